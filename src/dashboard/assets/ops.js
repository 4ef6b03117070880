// What pages do besides what they do without a script: times in the viewer's zone, keys, charts, selection, news.

import { times } from "./times.js";
import { charts } from "./charts.js";
import "./keys.js";

document.documentElement.classList.add("scripted");

/** Says something to whoever hears the page. */
export function announce(text) {
  const place = document.querySelector("[data-announce]");
  if (place) place.textContent = text;
}

function dress(root) {
  times(root);
  charts(root);
  for (const box of root.querySelectorAll("[data-bulk]")) select(box);
  for (const box of root.querySelectorAll(SCROLLS)) sizes.observe(box);
}

/** What is wider or higher than its place is scrolled in it: by the keys too, so it is one of the stops of Tab. */
const SCROLLS = ".table-box, .graph, pre";
const sizes = new ResizeObserver((all) => { for (const { target } of all) reach(target); });

function reach(box) {
  const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  if (scrolls === (box.dataset.scrolls !== undefined)) return;
  if (scrolls) {
    const before = [...document.querySelectorAll("main h1, main h2")].filter((heading) =>
      heading.compareDocumentPosition(box) & Node.DOCUMENT_POSITION_FOLLOWING);
    box.dataset.scrolls = "";
    box.tabIndex = 0;
    // What has a name of its own keeps it.
    if (box.hasAttribute("role")) return;
    box.dataset.scrolls = "named";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", before.at(-1)?.textContent.trim() || document.title);
  } else {
    const named = box.dataset.scrolls === "named" ? ["role", "aria-label"] : [];
    for (const name of ["data-scrolls", "tabindex", ...named]) box.removeAttribute(name);
  }
}

/** Reads the figures of a rail again. It is left alone while somebody goes through it by keys, and what they have folded stays so. */
async function recount(rail) {
  if (document.hidden || rail.contains(document.activeElement)) return;
  const answer = await fetch(location.href, { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const name = (facet) => facet.querySelector("summary").firstChild.textContent.trim();
  const before = new Map([...rail.querySelectorAll("details")].map((facet) => [name(facet), facet.open]));
  for (const facet of page.querySelectorAll(".rail details")) facet.open = before.get(name(facet)) ?? !PHONE.matches;
  const found = page.querySelector(".rail");
  if (found && !rail.contains(document.activeElement)) rail.replaceChildren(...found.childNodes);
}

const PHONE = matchMedia("(max-width: 50rem)");

/** On a phone the facets that nothing is chosen of are folded, and the navigation shows where one is. */
function narrow() {
  if (!PHONE.matches) return;
  for (const facet of document.querySelectorAll(".rail details")) facet.open = facet.querySelector("[aria-current]") !== null;
  const strip = document.querySelector(".side-pages"), here = strip?.querySelector("[aria-current]");
  if (here) strip.scrollLeft += here.getBoundingClientRect().left - (strip.clientWidth - here.clientWidth) / 2;
}

/** A bar for what is selected: shown once something is, and says how much that is. */
function select(form) {
  const boxes = () => [...form.querySelectorAll('tbody input[type="checkbox"]')];
  const all = form.querySelector("[data-select-all]");
  const bar = form.querySelector(".bulk");
  const said = form.querySelector("[data-selected]");
  let last = null;
  const tell = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    if (bar) bar.hidden = chosen === 0;
    if (said) said.textContent = `${chosen} selected`;
    if (all) { all.checked = chosen > 0 && chosen === boxes().length; all.indeterminate = chosen > 0 && !all.checked; }
  };
  form.addEventListener("click", (event) => {
    const box = event.target.closest?.('tbody input[type="checkbox"]');
    if (!box) return;
    if (event.shiftKey && last && last !== box) {
      const list = boxes();
      const [from, to] = [list.indexOf(last), list.indexOf(box)].sort((a, b) => a - b);
      for (const between of list.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
    tell();
  });
  all?.addEventListener("change", () => { for (const box of boxes()) box.checked = all.checked; tell(); });
  tell();
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// The button of a form that destroys is to be had once the name is typed.
document.addEventListener("input", (event) => {
  const name = event.target.dataset?.confirm;
  if (name !== undefined) event.target.form.querySelector("button").disabled = event.target.value.trim() !== name;
});
for (const input of document.querySelectorAll("[data-confirm]")) input.form.querySelector("button").disabled = true;

// A form that is under way is not sent again.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button && event.target.method === "post") setTimeout(() => { button.disabled = true; }, 0);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const button of document.querySelectorAll("form[method=post] button[disabled]")) button.disabled = false;
});

// Fragments that htmx swaps in are dressed like the page.
document.addEventListener("htmx:after:swap", (event) => dress(event.detail?.ctx?.target ?? document));
document.addEventListener("htmx:config:request", (event) => {
  const request = event.detail?.ctx?.request;
  if (request && request.method !== "GET") request.headers["X-CSRF-Token"] = document.body.dataset.csrf;
});

dress(document);
narrow();
for (const rail of document.querySelectorAll("[data-recount] > .rail")) setInterval(() => recount(rail).catch(() => {}), 10_000);

// News by the socket: a page names the types that concern it, and is told that something happened. What is shown stays
// where it is until somebody asks for it.
const wanted = "hears" in document.body.dataset && document.querySelector("[data-news]");
if (wanted) {
  import("./live.js").then(({ connect }) => {
    const news = new Set();
    const place = wanted.querySelector("[data-news-said]");
    connect({
      ticket: async () => {
        const headers = { "X-CSRF-Token": document.body.dataset.csrf };
        const answer = await fetch("/ops/tickets", { method: "POST", headers, body: new URLSearchParams() });
        if (!answer.ok) throw new Error(`no ticket: ${answer.status}`);
        return (await answer.json()).ticket;
      },
      types: wanted.dataset.news.split(" "),
      event: (event) => {
        news.add(event.subject ?? event.id);
        if (!place) return;
        place.textContent = `${news.size} new`;
        wanted.hidden = false;
        if (news.size === 1) announce("There is something new");
      },
    });
  }).catch(() => {});
}
