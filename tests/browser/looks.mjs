// How a page looks: nothing runs out at the side, and whoever cannot see it or use a mouse finds everything (axe).

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const BAD = new Set(["serious", "critical"]);

/** What axe finds that is serious. */
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter((rule) => BAD.has(rule.impact)).map((rule) => {
    const where = rule.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`.trim());
    return `${rule.impact}: ${rule.help} [${rule.id}] at ${rule.nodes.length}: ${where.join("; ")}`;
  });
}

/** What makes the page wider than the window. */
export function overflow(page) {
  return page.evaluate(() => {
    const root = document.documentElement, width = root.clientWidth;
    if (Math.max(root.scrollWidth, document.body.scrollWidth) <= width) return [];
    const clipped = (element) => {
      for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
        if (getComputedStyle(at).overflowX !== "visible") return true;
      }
      return false;
    };
    const wide = [...document.body.querySelectorAll("*")]
      .filter((element) => element.getBoundingClientRect().right > width + 1 && !clipped(element));
    const names = wide.slice(0, 3).map((element) =>
      `${element.tagName.toLowerCase()}${[...element.classList].map((name) => `.${name}`).join("")} to ${Math.round(element.getBoundingClientRect().right)}`);
    return [`wider than the window (${root.scrollWidth} of ${width}): ${names.join("; ")}`];
  });
}

/** Until scripts have dressed the page and it is drawn. */
export async function drawn(page) {
  await page.waitForLoadState("load");
  await page.evaluate(() => document.fonts.ready.then(() =>
    new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))));
}
