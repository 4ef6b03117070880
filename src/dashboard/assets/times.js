// Times in the viewer's zone: how long ago, with the exact instant in their zone and in UTC to hover over.

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "narrow" });
/** The zone that the viewer has chosen, or that of the browser. */
export const timeZone = document.body.dataset.zone || undefined;
const fields = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
const written = new Intl.DateTimeFormat("en", { ...fields, hourCycle: "h23", timeZoneName: "short", timeZone });
const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 30], ["month", 12], ["year", Infinity]];

/** An instant on the viewer's clock, as the rest of the dashboard writes it: year first, 24 hours. */
export function clock(at) {
  const part = Object.fromEntries(written.formatToParts(at).map(({ type, value }) => [type, value]));
  return {
    date: `${part.year}-${part.month}-${part.day}`,
    minute: `${part.hour}:${part.minute}`,
    second: `${part.hour}:${part.minute}:${part.second}`,
    zone: part.timeZoneName,
  };
}

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
  const { date, second, zone } = clock(at);
  element.textContent = ago(at - Date.now());
  element.title = `${date} ${second} ${zone}\n${at.toISOString()}`;
}

/** Shows all times below `root`. */
export function times(root) {
  for (const element of root.querySelectorAll("time[datetime]")) show(element);
}

// What is said of seconds holds for seconds.
setInterval(() => { if (!document.hidden) times(document); }, 10_000);
