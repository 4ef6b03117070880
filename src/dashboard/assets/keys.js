// The keyboard: rows by j and k, pages by g and a letter, search by /.

const within = (element) => element.closest("input, textarea, select, [contenteditable]");
let leading = false;
let timer;

const rows = () => [...document.querySelectorAll(".rows tbody tr")];
const current = () => document.querySelector(".rows tbody tr.cursor");

function move(by) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  all[at]?.classList.remove("cursor");
  next.classList.add("cursor");
  next.scrollIntoView({ block: "nearest" });
  next.querySelector("a")?.focus({ preventScroll: true });
}

function lead(on) {
  leading = on;
  document.documentElement.classList.toggle("show-keys", on);
  clearTimeout(timer);
  if (on) timer = setTimeout(() => lead(false), 1500);
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (link) link.click();
  return Boolean(link);
}

const keys = {
  "/": () => { document.querySelector("[data-search]")?.focus(); return true; },
  "?": () => { document.querySelector("[data-keys-help]")?.showModal(); return true; },
  j: () => { move(1); return true; },
  k: () => { move(-1); return true; },
  x: () => { current()?.querySelector("input[type=checkbox]")?.click(); return true; },
  "]": () => follow('[data-key-go="]"]'),
  "[": () => follow('[data-key-go="["]'),
  g: () => { lead(true); return true; },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (within(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (leading) {
    lead(false);
    if (/^[a-z0-9]$/.test(event.key) && follow(`[data-key-page="${event.key}"]`)) event.preventDefault();
    return;
  }
  if (keys[event.key]?.()) event.preventDefault();
});
