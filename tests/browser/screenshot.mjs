// Makes the picture of the README: the beginning of the dashboard of a demo that has been going on for a while.

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { open } from "./chromium.mjs";
import { start } from "./demo.mjs";
import { drawn } from "./looks.mjs";
import { login } from "./session.mjs";

const { values: asked } = parseArgs({ options: {
  binary: { type: "string" }, "pg-bindir": { type: "string" },
  to: { type: "string", default: "docs/images/dashboard.png" },
  path: { type: "string", default: "/ops/overview?last=1h" },
  scheme: { type: "string", default: "light" },
  // So long it goes on before, so that its charts have something to show.
  minutes: { type: "string", default: "10" },
} });

const demo = await start({ binary: asked.binary, pgBindir: asked["pg-bindir"], leads: 2_000, agents: 20 });
let browser;
try {
  await sleep(Number(asked.minutes) * 60_000);
  browser = await open();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: asked.scheme });
  const page = await context.newPage();
  await login(page, demo);
  await page.goto(demo.base + asked.path);
  await drawn(page);
  mkdirSync(dirname(asked.to), { recursive: true });
  await page.screenshot({ path: asked.to });
  process.stdout.write(`${asked.to}\n`);
} finally {
  await browser?.close();
  await demo.stop();
}
