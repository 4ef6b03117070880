// Walks through the dashboard in a browser, at a desk and on a phone, in light and in dark; then without scripts, without a
// mouse, and over a connection that is lost. `./x browser` runs it; docs/dashboard.md says what it looks at.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { LOOKS, open } from "./chromium.mjs";
import { start } from "./demo.mjs";
import { keys, tabs } from "./keyboard.mjs";
import { client, news } from "./live.mjs";
import { axe, drawn, overflow } from "./looks.mjs";
import { Pages, links, navigation } from "./pages.mjs";
import { flows } from "./plain.mjs";
import { reference } from "./reference.mjs";
import { login, operate } from "./session.mjs";
import { watch } from "./watch.mjs";

const { values: asked } = parseArgs({ options: {
  binary: { type: "string" }, "pg-bindir": { type: "string" },
  // Or a server that is there already.
  base: { type: "string" }, tenant: { type: "string" }, email: { type: "string" }, password: { type: "string" },
  "operator-key": { type: "string" },
  shots: { type: "string", default: "target/screenshots" },
  only: { type: "string", multiple: true },
} });
const PARTS = ["pages", "operator", "plain", "keyboard", "live", "docs"];
const wanted = (part) => !asked.only || asked.only.includes(part);
for (const part of asked.only ?? []) if (!PARTS.includes(part)) throw new Error(`there is no ${part}; it is one of ${PARTS.join(", ")}`);

const say = (text) => process.stdout.write(`${text}\n`);
const failures = [];
function found(where, wrong) {
  for (const what of wrong) { failures.push(`${where}: ${what}`); say(`  ${where}: ${what}`); }
}

/** Looks at every page that there is for whoever logs in. */
async function walk(browser, look, enter, name = look.name) {
  const { name: _, ...options } = look;
  const shots = join(asked.shots, name);
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const heard = await watch(page);
  mkdirSync(shots, { recursive: true });
  const see = async (path, as) => {
    const answer = await page.goto(new URL(path, demo.base).href);
    await drawn(page);
    // What was answered for the page itself is judged here, not as one of its requests.
    const wrong = heard.take().filter((what) => !(as === "refused" && what.startsWith("404 for GET")));
    const status = answer?.status() ?? 0;
    if (as === "refused" ? status !== 404 : status !== 200) wrong.push(`answered ${status}`);
    wrong.push(...await overflow(page), ...await axe(page));
    await page.screenshot({ path: join(shots, `${as}.png`), fullPage: true });
    heard.take();
    found(`${name} ${path}`, wrong);
  };
  let seen = 0;
  try {
    await see("/ops/login", "ops-login");
    await enter(page);
    found(`${name} after the login`, heard.take());
    const pages = new Pages(demo.base, await navigation(page));
    pages.add("/ops");
    for (let next = pages.next(); next; next = pages.next()) {
      try {
        await see(next.path, next.name);
        seen += 1;
        for (const link of await links(page)) pages.add(link);
      } catch (why) {
        // A file that is taken out is no page to look at.
        if (/Download is starting|net::ERR_ABORTED/.test(why.message)) { heard.take(); continue; }
        found(`${name} ${next.path}`, [why.message.split("\n")[0]]);
      }
    }
    await see("/ops/nowhere", "refused");
    return seen;
  } finally {
    await context.close();
  }
}

async function keyboard(browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  try {
    await page.goto(`${demo.base}/ops/login`);
    await drawn(page);
    found("keyboard /ops/login", await tabs(page));
    await login(page, demo);
    for (const path of await navigation(page)) {
      await page.goto(demo.base + path);
      await drawn(page);
      found(`keyboard ${path}`, await tabs(page));
    }
    found("keyboard", await keys(page, demo.base));
  } finally {
    await context.close();
  }
}

/** A part that breaks off has failed; the others go on. */
async function part(name, work) {
  if (!wanted(name)) return;
  const began = Date.now();
  try { await work(); } catch (why) { found(name, [why.stack ?? String(why)]); }
  say(`${name}: ${((Date.now() - began) / 1000).toFixed(0)} s`);
}

const demo = asked.base
  ? { base: asked.base, tenant: asked.tenant, email: asked.email, password: asked.password, operatorKey: asked["operator-key"], async stop() {} }
  : await start({ binary: asked.binary, pgBindir: asked["pg-bindir"] });
let browser;
try {
  browser = await open();
  if (wanted("pages")) rmSync(asked.shots, { recursive: true, force: true });
  await part("pages", async () => {
    for (const look of LOOKS) {
      const seen = await walk(browser, look, (page) => login(page, demo));
      say(`${look.name}: ${seen} pages`);
      if (seen === 0) found(look.name, ["there was no page to look at"]);
    }
  });
  await part("operator", async () => {
    if (!demo.operatorKey) return;
    const seen = await walk(browser, LOOKS[0], (page) => operate(page, demo), "operator");
    say(`as an operator: ${seen} pages`);
    if (seen === 0) found("operator", ["there was no page to look at"]);
  });
  await part("plain", async () => found("plain", await flows(browser, demo)));
  await part("keyboard", () => keyboard(browser));
  await part("live", async () => {
    found("live", await client(browser, demo));
    const context = await browser.newContext();
    const page = await context.newPage();
    await login(page, demo);
    const paths = await navigation(page);
    await context.close();
    found("live", await news(browser, demo, paths));
  });
  await part("docs", async () => found("docs", await reference(browser, demo, asked.shots)));
} finally {
  await browser?.close();
  await demo.stop();
}
if (failures.length > 0) {
  if (demo.said) say(`The demo said at last:\n${demo.said().split("\n").slice(-20).join("\n")}`);
  say(`${failures.length} things are wrong.`);
  process.exitCode = 1;
} else say(`All is well; pictures are in ${asked.shots}.`);
