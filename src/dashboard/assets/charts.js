// Charts from the data that stands in the page: axes with units, a legend that says the values under the cursor, or else the
// newest ones, and a range that is marked sets the time of the page. What stands below is an axis of time in the viewer's
// zone, or steps that have names: days of a tenant's calendar, or whatever is told apart.

import { clock, timeZone } from "./times.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** A size in pixels; whole ones, for a canvas reads no others in a font. */
const px = (name) => Math.round(parseFloat(css(name)) * parseFloat(getComputedStyle(document.documentElement).fontSize));
const tones = {
  completed: ["--good", []], running: ["--busy", []], retrying: ["--warns", [6, 3]], discarded: ["--bad", []],
  failed: ["--bad", []], cancelled: ["--waits", [2, 3]], quarantined: ["--held", [6, 3]],
  1: ["--series-1", []], 2: ["--series-2", [6, 3]], 3: ["--series-3", [2, 3]], 4: ["--series-4", [8, 3, 2, 3]],
};
const SVG = "http://www.w3.org/2000/svg";
const DAY = 86_400;
/** A line of fewer values shows each of them. */
const FEW = 40;
/** Letters of a name below an axis, and about how wide one is in sizes of the font. */
const NAME = 14, LETTER = 0.6;
/** The width of the vertical axis. */
const SCALE = 48;
/** The height of the axis below: two lines. */
const DEPTH = 40;
const drawn = new Map();

/** A token as a colour that a canvas understands. */
function colour(token) {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function short(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toFixed(1)}k`;
  return `${+value.toFixed(size < 10 ? 2 : 0)}`;
}

/** A value with its unit, as the rest of the page says durations. */
function said(value, unit) {
  if (value == null) return "–";
  if (unit === "money") return short(value);
  if (unit !== "s") return `${short(value)} ${unit}`.trim();
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  return value < 60 ? `${+value.toFixed(1)} s` : value < 3600 ? `${+(value / 60).toFixed(1)} min` : `${+(value / 3600).toFixed(1)} h`;
}

/** Each series upon those before it, for bars. */
function stack(series) {
  const sums = [];
  return series.map((line) => line.values.map((value, at) => {
    sums[at] = (sums[at] ?? 0) + (value ?? 0);
    return sums[at];
  }));
}

function zoom(from, until) {
  const address = new URL(location.href);
  address.searchParams.set("from", new Date(from * 1000).toISOString());
  address.searchParams.set("until", new Date(until * 1000).toISOString());
  address.searchParams.delete("cursor");
  location.assign(address);
}

/** What stands below the axis of time: the hour and the minute, and the day where one begins. */
function marks(_, ticks, __, ___, step) {
  let day;
  return ticks.map((tick) => {
    const { date, minute, second } = clock(new Date(tick * 1000));
    const begins = date !== day;
    day = date;
    if (step >= DAY) return date;
    const time = step < 60 ? second : minute;
    return begins ? `${time}\n${date}` : time;
  });
}

/** An axis of steps that have names: as many of them as there is room for, and aslant where they are long. */
function named(labels, width) {
  const size = px("--size-fine"), dated = /^\d{4}-\d\d-\d\d/.test(labels[0] ?? "");
  // Below a day the time of its hour stands first.
  const texts = labels.map((label) => (dated ? label.split(" ").reverse().join("\n")
    : label.length > NAME ? `${label.slice(0, NAME - 1)}…` : label));
  const longest = Math.max(...texts.flatMap((text) => text.split("\n").map((line) => line.length))) * size * LETTER;
  const aslant = !dated && width / labels.length < longest + size;
  const every = (room) => Math.max(1, Math.ceil((aslant ? size * 1.5 : longest + size) / room));
  return {
    splits: (chart) => {
      const step = every((chart.width - SCALE) / labels.length);
      return labels.map((_, at) => at).filter((at) => at % step === 0);
    },
    values: (_, ticks) => ticks.map((at) => texts[at] ?? ""),
    rotate: aslant ? 40 : 0,
    size: aslant ? Math.round(longest * 0.65) + size * 2 : DEPTH,
  };
}

/** How a series is drawn, in the legend. */
function sample(stroke, dash, bars) {
  const svg = document.createElementNS(SVG, "svg");
  const line = document.createElementNS(SVG, "line");
  svg.setAttribute("viewBox", "0 0 16 12");
  svg.setAttribute("aria-hidden", "true");
  const drawing = { x1: bars ? 3 : 0, x2: bars ? 13 : 16, y1: 6, y2: 6, stroke, "stroke-width": bars ? 10 : 2, "stroke-dasharray": dash.join(" ") };
  for (const [name, value] of Object.entries(drawing)) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

/** The legend below a chart; answers what has it say the values of a time. */
function legend(plot, { times, labels, series, unit, style }) {
  const place = document.createElement("p");
  place.className = "chart-legend";
  const when = document.createElement("span");
  const values = series.map((line) => {
    const [token, dash] = tones[line.tone] ?? tones[1];
    const key = document.createElement("span"), value = document.createElement("b");
    const bars = style === "bars" || style === "groups";
    key.append(sample(colour(token), bars ? [] : dash, bars), line.name, value);
    place.append(key);
    return value;
  });
  place.prepend(when);
  plot.after(place);
  const newest = (labels ?? times).findLastIndex((_, at) => series.some((line) => line.values[at] != null));
  return (at) => {
    const shown = at ?? newest;
    if (labels) when.textContent = labels[shown] ?? "";
    else {
      const { date, minute } = clock(new Date(times[shown] * 1000));
      when.textContent = `${date} ${minute}`;
    }
    series.forEach((line, number) => { values[number].textContent = said(line.values[shown], unit); });
  };
}

function forget(figure) {
  drawn.get(figure)?.destroy();
  drawn.delete(figure);
  figure.querySelector(".chart-legend")?.remove();
  figure.querySelector(".chart-plot").replaceChildren();
}

function draw(figure) {
  const plot = figure.querySelector(".chart-plot");
  const data = JSON.parse(figure.dataset.chart);
  const { labels, series, style, brush } = data;
  const times = data.times ?? labels.map((_, at) => at);
  forget(figure);
  if ((!labels && times.length < 2) || !window.uPlot) return;
  const groups = style === "groups", bars = style === "bars" || groups;
  if (!series.some((line) => line.values.some((value) => (bars ? value : value != null)))) {
    const empty = document.createElement("p");
    empty.className = "chart-empty";
    empty.textContent = "Nothing in this time.";
    plot.append(empty);
    return;
  }
  const grid = colour("--line"), step = times[1] - times[0];
  const axis = {
    stroke: colour("--text-quiet"), font: `${px("--size-fine")}px ${css("--font")}`,
    grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1, size: 4 }, gap: 4,
  };
  const lines = series.map((line, number) => {
    const [token, dash] = tones[line.tone] ?? tones[1];
    const stroke = colour(token);
    const paths = groups ? uPlot.paths.bars(series.length > 1 ? { size: [0.38, 28], align: number ? 1 : -1 } : { size: [0.7, 48] })
      : bars ? uPlot.paths.bars({ size: [0.85, 40], align: 1 }) : style === "steps" ? uPlot.paths.stepped({ align: 1 }) : undefined;
    // Few values, of which some stand alone, would be no line at all.
    const few = line.values.filter((value) => value != null).length <= FEW;
    return { label: line.name, stroke, width: bars ? 0 : 1.5, dash: bars ? [] : dash, fill: bars ? stroke : undefined, paths, points: { show: !bars && few, size: 5, fill: stroke } };
  });
  let values = series.map((line) => line.values);
  if (bars && !groups) {
    // The tallest is drawn first, so that those below it stay visible; the legend keeps the order.
    values = stack(series).reverse();
    lines.reverse();
  }
  const below = labels ? named(labels, plot.clientWidth - SCALE) : { space: 64, size: DEPTH, values: marks };
  const tell = legend(plot, data);
  const under = (chart) => {
    const { left, idx } = chart.cursor;
    if (left == null || left < 0 || idx == null) return null;
    // What is drawn from a time on belongs to it up to the next one.
    const before = !labels && style !== "lines" && times[idx] > chart.posToVal(left, "x");
    return before ? Math.max(idx - 1, 0) : idx;
  };
  const made = new uPlot({
    // Names that stand aslant take nothing from what is drawn above them.
    width: plot.clientWidth, height: px("--chart") + below.size - DEPTH,
    tzDate: (at) => (timeZone ? uPlot.tzDate(new Date(at * 1000), timeZone) : new Date(at * 1000)),
    series: [{}, ...lines],
    axes: [
      { ...axis, grid: { show: false }, ...below },
      { ...axis, size: SCALE, space: 28, ticks: { show: false }, values: (_, ticks) => ticks.map(short) },
    ],
    scales: {
      x: labels ? { time: false, range: () => [bars || times.length < 2 ? -0.5 : 0, times.length - (bars || times.length < 2 ? 0.5 : 1)] }
        : { range: () => [times[0], times.at(-1) + (style === "lines" ? 0 : step)] },
      y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 0) > 0 ? high * 1.1 : 1] },
    },
    cursor: { drag: { x: brush, y: false, setScale: false }, points: { show: !bars }, y: false },
    legend: { show: false },
    hooks: {
      setCursor: [(chart) => tell(under(chart))],
      setSelect: [(chart) => {
        const { left, width } = chart.select;
        if (brush && width > 4) zoom(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
      }],
    },
  }, [times, ...values], plot);
  tell(null);
  drawn.set(figure, made);
}

/** Draws all charts below `root`. */
export function charts(root) {
  for (const figure of drawn.keys()) if (!figure.isConnected) { drawn.get(figure).destroy(); drawn.delete(figure); }
  for (const figure of root.querySelectorAll("[data-chart]")) draw(figure);
}

let timer;
addEventListener("resize", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    for (const [figure, chart] of drawn) chart.setSize({ width: figure.querySelector(".chart-plot").clientWidth, height: chart.height });
  }, 100);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts(document));
