// The description of the API as a page: all operations are drawn as one scrolls to them, and nothing goes wrong over it.

import { join } from "node:path";

import { LOOKS } from "./chromium.mjs";
import { watch } from "./watch.mjs";

const METHODS = new Set(["get", "put", "post", "patch", "delete", "head", "options", "trace"]);
/** A phone takes its time for a long description. */
const PATIENCE_MS = 30_000;

/** How many operations the description has. */
async function described(demo) {
  const answer = await fetch(`${demo.base}/api/v1/openapi.json`);
  if (!answer.ok) throw new Error(`the description answered ${answer.status}`);
  const { paths } = await answer.json();
  return Object.values(paths).flatMap(Object.keys).filter((key) => METHODS.has(key)).length;
}

/** Which operations are drawn from the beginning of the page to its end; it draws only what is near. */
async function drawn(page) {
  const seen = new Set();
  for (let last = -1, at = 0; at !== last; ) {
    // A drawing takes a frame, and the next one knows how high it is.
    const found = await page.evaluate(() => new Promise((told) => requestAnimationFrame(() => requestAnimationFrame(() =>
      told([...document.querySelectorAll(".opblock")].map((block) => block.id))))));
    for (const id of found) seen.add(id);
    last = at;
    at = await page.evaluate(() => { scrollBy(0, innerHeight / 2); return scrollY; });
  }
  return seen.size;
}

/** Opens it at a desk and on a phone, in light and in dark. Answers what is wrong. */
export async function reference(browser, demo, shots) {
  const wrong = [], wanted = await described(demo);
  if (wanted === 0) wrong.push("the description has no operations");
  for (const { name, ...options } of LOOKS) {
    const context = await browser.newContext(options);
    try {
      const page = await context.newPage();
      const heard = await watch(page);
      const hosts = new Set();
      page.on("request", (request) => { if (!request.url().startsWith("data:")) hosts.add(new URL(request.url()).origin); });
      const answer = await page.goto(`${demo.base}/docs`);
      if (answer?.status() !== 200) wrong.push(`${name}: answered ${answer?.status()}`);
      const first = page.locator(".opblock").first();
      await first.waitFor({ timeout: PATIENCE_MS });
      const count = await drawn(page);
      if (count !== wanted) wrong.push(`${name}: ${count} of ${wanted} operations are drawn`);
      // One that is opened shows what it takes and answers.
      await page.evaluate(() => scrollTo(0, 0));
      await first.locator(".opblock-summary-control").click();
      await page.locator(".opblock.is-open .responses-wrapper").first().waitFor({ timeout: PATIENCE_MS });
      await page.screenshot({ path: join(shots, `docs-${name}.png`) });
      hosts.delete(new URL(demo.base).origin);
      for (const host of hosts) wrong.push(`${name}: asked ${host}`);
      wrong.push(...heard.take().map((what) => `${name}: ${what}`));
    } finally {
      await context.close();
    }
  }
  return wrong;
}
