// Times in the viewer's zone: how long ago, with the exact instant in their zone and in UTC to hover over.

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
// The zone that the viewer has chosen, or that of the browser.
const timeZone = document.body.dataset.zone || undefined;
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long", timeZone });
const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

function ago(ms) {
  let value = ms / 1000;
  for (const [unit, most] of steps) {
    if (Math.abs(value) < most) return relative.format(Math.round(value), unit);
    value /= most;
  }
  return "";
}

function show(element) {
  const at = new Date(element.dateTime);
  if (Number.isNaN(at.getTime())) return;
  element.textContent = ago(at - Date.now());
  element.title = `${exact.format(at)}\n${at.toISOString()}`;
}

/** Shows all times below `root`. */
export function times(root) {
  for (const element of root.querySelectorAll("time[datetime]")) show(element);
}

// What is said of seconds holds for seconds.
setInterval(() => { if (!document.hidden) times(document); }, 10_000);
