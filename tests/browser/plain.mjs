// The main flows without any script: forms and links alone.

import { login } from "./session.mjs";

/** Until the demo has had something go wrong. */
const PATIENCE_MS = 120_000;

/** Logs in, filters jobs, opens one that was given up, cancels one and has it run once more, pauses a queue and lets it go again, logs out. */
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
    const again = page.getByRole("button", { name: "Run once more" });
    const until = Date.now() + PATIENCE_MS;
    for (await filter(page, demo, "discarded"); await rows.count() === 0; await page.reload()) {
      if (Date.now() > until) throw new Error("there is none");
      await page.waitForTimeout(1_000);
    }
    doing = "run a job that was given up once more, or come to the run of its workflow";
    await rows.first().locator('a[href^="/ops/jobs/"]').first().click();
    if (await again.isVisible()) {
      await again.click();
      await said(page);
    } else {
      // A step is taken up again with its run, so that nothing is offered that would be refused.
      await page.locator('main .notice a[href^="/ops/workflows/"]').click();
      await page.waitForURL((url) => url.pathname.startsWith("/ops/workflows/"));
    }

    doing = "cancel a job";
    await cancelled(page, demo);
    doing = "run a job once more";
    await again.click();
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

/** Cancels a job that waits and belongs to no workflow, of which there is none for a while at times, or it runs just then. */
async function cancelled(page, demo) {
  const until = Date.now() + PATIENCE_MS;
  const again = page.getByRole("button", { name: "Run once more" });
  const cancel = page.getByRole("button", { name: "Cancel", exact: true });
  while (Date.now() < until) {
    await filter(page, demo, "retrying");
    const links = await page.locator('.rows tbody a[href^="/ops/jobs/"]').evaluateAll((all) => all.map((link) => link.href));
    for (const link of links) {
      await page.goto(link);
      const step = await page.locator('main .facts a[href^="/ops/workflows/"]').count() > 0;
      if (step || !(await cancel.isVisible())) continue;
      await cancel.click();
      await said(page);
      if (await again.isVisible()) return;
    }
    await page.waitForTimeout(1_000);
  }
  throw new Error("no job that waits could be cancelled");
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
