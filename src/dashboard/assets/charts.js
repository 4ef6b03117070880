// Charts from the data that stands in the page: axes with units, a legend that says the values under the cursor, and a
// range that is marked sets the time of the page.

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const tones = {
  completed: ["--good", []], running: ["--busy", []], retrying: ["--warns", [6, 3]], discarded: ["--bad", []],
  failed: ["--bad", []], cancelled: ["--waits", [2, 3]], quarantined: ["--held", [6, 3]],
  1: ["--series-1", []], 2: ["--series-2", [6, 3]], 3: ["--series-3", [2, 3]], 4: ["--series-4", [8, 3, 2, 3]],
};
const drawn = new Map();
// The zone that the viewer has chosen, or that of the browser: the same as of the times beside it.
const timeZone = document.body.dataset.zone || undefined;
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short", timeZone });

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

function draw(figure) {
  const plot = figure.querySelector(".chart-plot");
  const { times, series, unit, style, brush } = JSON.parse(figure.dataset.chart);
  drawn.get(figure)?.destroy();
  drawn.delete(figure);
  plot.replaceChildren();
  if (times.length < 2 || !window.uPlot) return;
  const bars = style === "bars";
  const grid = colour("--line");
  const font = `${parseFloat(css("--size-fine")) * 16}px ${css("--font")}`;
  const axis = { stroke: colour("--text-quiet"), grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 }, font };
  const lines = series.map((line) => {
    const [token, dash] = tones[line.tone] ?? tones[1];
    const stroke = colour(token);
    const paths = bars ? uPlot.paths.bars({ size: [0.8, 40] }) : style === "steps" ? uPlot.paths.stepped({ align: 1 }) : undefined;
    return {
      label: line.name, stroke, width: bars ? 0 : 1.5, dash: bars ? [] : dash, fill: bars ? stroke : undefined, paths,
      points: { show: false }, value: (_, __, ___, at) => at == null ? "" : `${short(line.values[at])} ${unit}`,
    };
  });
  let data = series.map((line) => line.values);
  if (bars) {
    // The tallest is drawn first, so that those below it stay visible; the legend keeps the order.
    data = stack(series).reverse();
    lines.reverse();
  }
  const height = parseFloat(css("--chart")) * 16;
  const made = new uPlot({
    width: plot.clientWidth, height,
    tzDate: timeZone ? (at) => uPlot.tzDate(new Date(at * 1000), timeZone) : undefined,
    series: [{ value: (_, at) => at == null ? "" : exact.format(at * 1000) }, ...lines],
    axes: [axis, { ...axis, size: 56, label: unit, labelSize: 18, labelFont: font, values: (_, ticks) => ticks.map(short) }],
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 0) > 0 ? high * 1.1 : 1] } },
    cursor: { drag: { x: brush, y: false, setScale: false }, points: { show: !bars } },
    legend: { live: true },
    hooks: {
      setSelect: [(chart) => {
        const { left, width } = chart.select;
        if (brush && width > 4) zoom(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
      }],
    },
  }, [times, ...data], plot);
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
