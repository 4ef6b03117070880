// News in a browser: an event arrives, the connection is lost, and after it is back nothing is missing and nothing is there twice.

import { readFileSync } from "node:fs";
import { wire } from "./proxy.mjs";
import { login } from "./session.mjs";

const CLIENT = new URL("../../src/live/client.js", import.meta.url);
const WAIT_MS = 45_000;

/** What a page does with the client; it runs there. */
async function begin(token) {
  const { connect } = await import("/walk/client.js");
  Object.assign(window, { heard: [], statuses: [], resyncs: 0 });
  window.live = connect({
    ticket: async () => {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const answer = await fetch("/api/v1/ws/tickets", { method: "POST", headers, body: "{}" });
      if (!answer.ok) throw new Error(`no ticket: ${answer.status}`);
      return (await answer.json()).ticket;
    },
    event: ({ sequence, type, subject, data }) => window.heard.push({ sequence, type, about: JSON.stringify([subject, data]) }),
    resync: () => { window.resyncs += 1; },
    status: (now) => window.statuses.push(now),
  });
}

/** Whoever is logged in to the API. */
async function caller(demo) {
  const send = async (path, body, token) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(demo.base + path, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text);
  };
  const { token } = await send("/api/v1/auth/login", { tenant: demo.tenant, email: demo.email, password: demo.password });
  let made = 0;
  const lead = async () => {
    made += 1;
    const email = `walk-${Date.now()}-${made}@example.com`;
    return (await send("/api/v1/leads", { name: `Walker ${made}`, email, tags: ["walk"] }, token)).id;
  };
  return { token, lead };
}

/** The client in a page of its own, over a wire that is cut. */
export async function client(browser, demo) {
  const { token, lead } = await caller(demo);
  const line = await wire(demo.base);
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  let doing = "open";
  try {
    const body = readFileSync(CLIENT, "utf8");
    await page.route("**/walk/client.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
    // A page that came over the wire: one that was made up here would not be let in to this machine. And so the policy
    // of the dashboard's pages holds for it too.
    await page.goto(`${line.base}/ops/login`);
    await page.evaluate(begin, token);
    await status(page, "open");

    doing = "hear of a lead";
    const leads = [await lead()];
    await hears(page, leads);
    doing = "notice that the connection is lost";
    line.cut();
    await status(page, "waiting");
    leads.push(await lead(), await lead(), await lead());
    doing = "come back and hear what was missed";
    line.mend();
    await hears(page, leads);
    await status(page, "open");
    doing = "hear what comes after";
    leads.push(await lead());
    await hears(page, leads);

    const { heard, resyncs } = await page.evaluate(() => ({ heard: window.heard, resyncs: window.resyncs }));
    const wrong = [];
    for (const [at, event] of heard.entries()) {
      if (at > 0 && event.sequence !== heard[at - 1].sequence + 1) {
        wrong.push(`after event ${heard[at - 1].sequence} came ${event.sequence}`);
      }
    }
    for (const id of leads) {
      const times = heard.filter((event) => event.type.includes("lead.created") && event.about.includes(id)).length;
      if (times !== 1) wrong.push(`of a lead that was made it was told ${times} times`);
    }
    if (resyncs > 0) wrong.push("it was told to begin anew though everything is kept");
    await page.evaluate(() => window.live.close());
    await status(page, "closed");
    return wrong.map((what) => `live client: ${what}`);
  } catch (why) {
    const known = await page.evaluate(() => [window.statuses, window.heard?.length]).catch(() => "nothing");
    return [`the live client does not ${doing}: ${why.message.split("\n")[0]} (${JSON.stringify(known)})`];
  } finally {
    await context.close();
    await line.close();
  }
}

const status = (page, wanted) => page.waitForFunction((wanted) => window.statuses?.at(-1) === wanted, wanted);

const hears = (page, leads) => page.waitForFunction((leads) => leads.every((id) =>
  window.heard.some((event) => event.type.includes("lead.created") && event.about.includes(id))), leads);

/** A page of the dashboard that says that there is news. */
export async function news(browser, demo, paths) {
  const { lead } = await caller(demo);
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  try {
    await login(page, demo);
    for (const path of paths) {
      await page.goto(demo.base + path);
      const place = page.locator('[data-news*="lead.created"]').first();
      if (await place.count() === 0) continue;
      // What happened before the socket was open stands in the page already, so one is made until it is told.
      const said = place.locator("[data-news-said]").first();
      for (let tries = 0; tries < 30; tries += 1) {
        await lead();
        if (await said.waitFor({ state: "visible", timeout: 1_000 }).then(() => true, () => false)) return [];
      }
      return [`${path} does not say that there is a new lead`];
    }
    return ["no page says what is new of leads (data-news with lead.created)"];
  } finally {
    await context.close();
  }
}
