// The main flows without any script: forms and links alone.

import { login } from "./session.mjs";

/** Until the demo has had something go wrong. */
const PATIENCE_MS = 120_000;

/** Logs in, filters jobs, opens one, has it run once more, pauses a queue and lets it go again, logs out. */
export async function flows(browser, demo) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  let doing = "log in";
  try {
    await login(page, demo);

    doing = "filter jobs";
    const rows = page.locator(".rows tbody tr");
    await filter(page, demo, "completed");
    const [all, completed] = [await rows.count(), await rows.filter({ hasText: /completed/i }).count()];
    if (all === 0 || all !== completed) throw new Error(`${completed} of ${all} jobs that are shown are completed`);

    doing = "find a job that was given up";
    const until = Date.now() + PATIENCE_MS;
    for (await filter(page, demo, "discarded"); await rows.count() === 0; await page.reload()) {
      if (Date.now() > until) throw new Error("there is none");
      await page.waitForTimeout(1_000);
    }
    doing = "run a job once more";
    await rows.first().locator('a[href^="/ops/jobs/"]').first().click();
    await page.getByRole("button", { name: "Run once more" }).click();
    await said(page);

    doing = "pause a queue";
    await page.goto(`${demo.base}/ops/queues`);
    await press(page, /^Pause\b/i);
    await said(page);
    doing = "let a queue go again";
    if (!(await offers(page, /^Resume\b/i))) await page.goto(`${demo.base}/ops/queues`);
    await press(page, /^Resume\b/i);
    await said(page);

    doing = "choose colours";
    await page.getByLabel("Colours").selectOption("dark");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await page.waitForSelector('html[data-theme="dark"]', { state: "attached" });

    doing = "log out";
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    doing = "stay out";
    await page.goto(`${demo.base}/ops/jobs`);
    if (!new URL(page.url()).pathname.startsWith("/ops/login")) throw new Error("jobs are shown to whoever has logged out");
    return [];
  } catch (why) {
    return [`without scripts one cannot ${doing} at ${page.url()}: ${why.message.split("\n").slice(0, 3).join(" ")}`];
  } finally {
    await context.close();
  }
}

/** Looks for jobs in a state, as one who types it. */
async function filter(page, demo, state) {
  await page.goto(`${demo.base}/ops/jobs`);
  await page.locator("[data-search]").fill(`state:${state}`);
  await page.getByRole("button", { name: "Search", exact: true }).click();
  await page.waitForURL((url) => (url.searchParams.get("q") ?? "").includes(`state:${state}`)
    || url.searchParams.get("state") === state);
}

function offers(page, name) {
  return page.getByRole("button", { name }).first().isVisible();
}

/** Presses a button, which may stand in the page of one thing rather than in the list, or ask for a reason. */
async function press(page, name) {
  let button = page.getByRole("button", { name }).first();
  if (!(await button.isVisible())) {
    const folded = page.locator("main details:not([open]) > summary").filter({ hasText: name }).first();
    if (await folded.count() > 0) await folded.click();
    else await page.locator("main .rows tbody a").first().click();
    button = page.getByRole("button", { name }).first();
  }
  for (const field of await button.locator("xpath=ancestor::form[1]").locator("input[required]:not([type=hidden])").all()) {
    if (await field.inputValue() === "") await field.fill("The walk through all pages");
  }
  await button.click();
}

/** The page says what came of it. */
async function said(page) {
  await page.locator("main .notice[role=status]").waitFor();
}
