// Times in the viewer's zone: how long ago, with the exact instant in their zone and in UTC to hover over.

/** The zone that the viewer has chosen, or that of the browser. */
export const timeZone = document.body.dataset.zone || undefined;
const fields = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
const written = new Intl.DateTimeFormat("en", { ...fields, hourCycle: "h23", timeZoneName: "short", timeZone });
// In one unit up to an hour, and then in the two that matter.
const units = [["s", 1], ["m", 60], ["h", 3_600], ["d", 86_400], ["mo", 2_592_000], ["y", 31_536_000]];

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
  const seconds = Math.round(Math.abs(ms) / 1000);
  if (seconds === 0) return "now";
  const at = units.findLastIndex(([, size]) => seconds >= size);
  const [unit, size] = units[at];
  const whole = Math.floor(seconds / size);
  const [less, part] = units[Math.max(at - 1, 0)];
  const rest = at > 1 ? Math.floor((seconds - whole * size) / part) : 0;
  const length = rest > 0 ? `${whole}${unit} ${rest}${less}` : `${whole}${unit}`;
  return ms < 0 ? `${length} ago` : `in ${length}`;
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
