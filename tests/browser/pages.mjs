// Which pages there are: those of the navigation, and whatever links in them lead to, one for each kind of page. So a new
// page is looked at without being named here.

/** Of a list's many details this many by name, where they are not numbered. */
const SIBLINGS = 3;
/** Whose pages below are not alike. */
const UNLIKE = new Set(["/ops", "/ops/reports", "/ops/settings"]);
const MOST = 170;

/** What kind of page an address is: numbered segments are all the same to it. */
export function shape(path) {
  return path.split("/").map((part) => (/\d/.test(part) ? "*" : part)).join("/");
}

/** A queue of pages that fills while they are looked at. */
export class Pages {
  #queue = [];
  #seen = new Set();
  #siblings = new Map();

  constructor(base, first) {
    this.base = base;
    for (const path of first) this.add(path);
  }

  /** Puts an address in, if a page like it was not there. Answers whether it was put in. */
  add(href) {
    const url = new URL(href, this.base);
    if (url.origin !== new URL(this.base).origin || !/^\/ops(\/|$)/.test(url.pathname)) return false;
    if (url.pathname.startsWith("/ops/assets/")) return false;
    // A list is looked at as it is, and once through a filter.
    const kind = shape(url.pathname) + (url.search ? "?" : "");
    if (this.#seen.has(kind) || this.#seen.size >= MOST) return false;
    if (!url.search && !kind.includes("*")) {
      const parent = url.pathname.slice(0, url.pathname.lastIndexOf("/"));
      const siblings = this.#siblings.get(parent) ?? 0;
      if (!UNLIKE.has(parent) && siblings >= SIBLINGS) return false;
      this.#siblings.set(parent, siblings + 1);
    }
    this.#seen.add(kind);
    this.#queue.push({ path: url.pathname + url.search, name: kind.slice(1).replace(/[^a-z0-9*?]+/gi, "-")
      .replaceAll("*", "one").replaceAll("?", "-filtered") });
    return true;
  }

  next() { return this.#queue.shift(); }
}

/** Addresses of the navigation, in its order. */
export function navigation(page) {
  return page.locator("nav.side a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
}

/** Where a page leads to. What is fetched as a file is no page. */
export function links(page) {
  return page.locator("main a[href]:not([download])").evaluateAll((all) => all.map((link) => link.href));
}
