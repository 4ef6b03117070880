// Without a mouse: Tab comes to everything that can be used, it is seen where one is, and the keys do what they say.

/** A field for a date has parts that Tab goes through, so many at the most. */
const PARTS = 8;

/** Goes through a page by Tab; answers what is wrong. */
export async function tabs(page) {
  const count = await page.evaluate(() => {
    // From the beginning of the document, also where a page sets the focus into a form of its own (`autofocus`): a browser
    // goes on from where the focus was last, even if nothing has it any more.
    getSelection()?.removeAllRanges();
    const beginning = document.createElement("span");
    beginning.className = "sr";
    beginning.tabIndex = -1;
    document.body.prepend(beginning);
    beginning.focus();
    scrollTo(0, 0);
    const usable = "a[href], button, input, select, textarea, summary, [tabindex]";
    window.walkWanted = [...document.querySelectorAll(usable)].filter((element) => element.tabIndex >= 0 && !element.disabled
      && element.type !== "hidden" && !element.closest("[inert]") && element.checkVisibility({ visibilityProperty: true }));
    window.walkReached = new Set();
    return window.walkWanted.length;
  });
  const wrong = new Set();
  let stayed = 0;
  for (let pressed = 0; pressed < PARTS * (count + 5); pressed += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return { end: true };
      const again = window.walkReached.has(element) && element === window.walkLast;
      const round = window.walkReached.has(element);
      window.walkReached.add(element);
      window.walkLast = element;
      const style = getComputedStyle(element), box = element.getBoundingClientRect();
      const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
      const marked = outlined || style.boxShadow !== "none";
      const inView = box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      const name = `${element.tagName.toLowerCase()} "${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40)}"`;
      return { again, round, marked, inView, name };
    });
    if (at.end) break;
    stayed = at.again ? stayed + 1 : 0;
    if (stayed > PARTS) { wrong.add(`Tab does not leave ${at.name}`); break; }
    if (at.again) continue;
    if (at.round) break;
    if (!at.marked) wrong.add(`it is not seen that the focus is at ${at.name}`);
    if (!at.inView) wrong.add(`the focus is out of sight at ${at.name}`);
  }
  const missed = await page.evaluate(() => {
    const groups = new Set([...window.walkReached].filter((element) => element.type === "radio").map((element) => element.name));
    // What was replaced meanwhile is not there to be reached.
    return window.walkWanted.filter((element) => element.isConnected && !window.walkReached.has(element)
      && element.checkVisibility({ visibilityProperty: true }) && !(element.type === "radio" && groups.has(element.name)))
      .map((element) => `${element.tagName.toLowerCase()} "${(element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 40)}"`);
  });
  for (const name of missed.slice(0, 5)) wrong.add(`Tab does not come to ${name}`);
  return [...wrong];
}

/** The keys that the help names. */
export async function keys(page, base) {
  const wrong = [];
  const fails = async (what, check) => {
    try { if (!(await check())) wrong.push(what); } catch (why) { wrong.push(`${what}: ${why.message.split("\n")[0]}`); }
  };
  const there = (path) => page.waitForURL((url) => url.pathname === path, { timeout: 5_000 }).then(() => true);
  await page.goto(`${base}/ops/jobs`);
  await scripted(page);

  await page.keyboard.press("?");
  await fails("? does not show the keys", () => page.locator("dialog[open]").isVisible());
  await page.keyboard.press("Escape");
  await fails("Escape does not close the keys", async () => await page.locator("dialog[open]").count() === 0);

  await page.keyboard.press("/");
  await fails("/ does not lead to the search", () => page.evaluate(() => document.activeElement?.matches("[data-search]")));
  await page.keyboard.type("g");
  await fails("a key that is typed into the search does something else", () => page.evaluate(() =>
    document.activeElement?.value?.endsWith("g") && !document.documentElement.classList.contains("show-keys")));
  await page.keyboard.press("Escape");
  await fails("Escape does not leave the search", () => page.evaluate(() => document.activeElement === document.body));

  const row = () => page.evaluate(() => [...document.querySelectorAll(".rows tbody tr")].findIndex((one) => one.classList.contains("cursor")));
  await page.keyboard.press("j");
  await fails("j does not come to the first row", async () => await row() === 0);
  await page.keyboard.press("j");
  await fails("j does not come to the next row", async () => await row() === 1);
  await page.keyboard.press("k");
  await fails("k does not come to the row before", async () => await row() === 0);
  await page.keyboard.press("x");
  await fails("x does not select the row", () => page.locator(".rows tbody tr.cursor input[type=checkbox]").isChecked());
  await page.keyboard.press("x");
  await fails("x does not let go of the row", async () => !(await page.locator(".rows tbody tr.cursor input[type=checkbox]").isChecked()));
  if (await page.locator('[data-key-go="]"]').count() > 0) {
    const before = page.url();
    await page.keyboard.press("]");
    await fails("] does not lead to what is older", () => page.waitForURL((url) => url.href !== before, { timeout: 5_000 }).then(() => true));
    await scripted(page);
    await page.keyboard.press("j");
  }
  const target = await page.locator(".rows tbody tr.cursor a").first().getAttribute("href");
  await page.keyboard.press("Enter");
  await fails("Enter does not open the row", () => there(target));

  await page.goto(`${base}/ops/jobs`);
  const pages = await page.locator("[data-key-page]").evaluateAll((links) => links.map((link) => [link.dataset.keyPage, link.getAttribute("href")]));
  for (const [key, path] of pages) {
    // Some lead on, as Tenants does to the only one that its user has; the key has to come where the link does.
    const end = new URL((await page.request.get(base + path)).url()).pathname;
    // From another page than the one it leads to.
    if (new URL(page.url()).pathname === end) await page.goto(`${base}/ops/nowhere`);
    await scripted(page);
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await fails(`g ${key} does not lead to ${end}`, () => there(end));
  }
  return wrong;
}

async function scripted(page) {
  await page.waitForLoadState("load");
  await page.waitForSelector("html.scripted", { state: "attached", timeout: 5_000 });
}
