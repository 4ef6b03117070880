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
