// Plotly's figures, drawn when they come into sight, in the colours of the page.
const CHOICES = { target: "track-target", metric: "track-metric", cost: "cost", curve: "curve", axis: "axis" };
const FINGER = matchMedia("(pointer: coarse)").matches; // which scrolls the page, and hides what lies under buttons
const CONFIG = {
  displaylogo: false, responsive: true, displayModeBar: FINGER ? false : "hover",
  showSendToCloud: false, plotlyServerURL: "", // what is scored here stays here
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

function figureOf(element) {
  const key = element.dataset.figure.replace(/\{(\w+)\}/g, (_, name) => chosen(CHOICES[name]));
  const figure = page.figures[key];
  const [kind, target, metric] = key.split("/");
  return figure && kind === "differences" ? { ...figure, data: differences(target, metric) } : figure;
}

/** The boxes of the scores' figure less the baseline's scores of the same tracks, each with its mean and interval. */
function differences(target, metric) {
  const compared = page.against[page.baseline].differences[target]?.[metric] ?? {};
  const boxes = page.figures[`distribution/${target}/${metric}`].data;
  const owner = (box) => box.customdata[0]?.[1];
  const ofBaseline = boxes.find((box) => owner(box) === page.baseline);
  if (!ofBaseline) return [];
  const before = new Map(ofBaseline.customdata.map(([track], place) => [track, ofBaseline.x[place]]));
  return boxes.filter((box) => owner(box) in compared).flatMap((box) => {
    const kept = box.customdata.map(([track], place) => [track, place]).filter(([track]) => before.has(track));
    const own = {
      ...box, x: kept.map(([track, place]) => box.x[place] - before.get(track)), y: kept.map(() => box.name),
      customdata: kept.map(([, place]) => box.customdata[place]),
      hovertemplate: `%{customdata[0]}<br>%{x:+.2f} dB<extra>${box.name}</extra>`,
    };
    return [own, ...interval(box.name, compared[owner(box)])];
  });
}

/** A diamond at the mean, with its interval, where that is known. */
function interval(title, ends) {
  if (!ends) return [];
  const [mean, low, high] = ends;
  return [{
    type: "scatter", mode: "markers", x: [mean], y: [title], meta: "of the page's text colour",
    error_x: { type: "data", symmetric: false, array: [high - mean], arrayminus: [mean - low], thickness: 3, width: 6 },
    marker: { symbol: "diamond", size: 11 },
    hovertemplate: `mean %{x:+.2f} dB, 95 % ${signed(low)} to ${signed(high)}<extra>${title}</extra>`,
  }];
}

function signed(value) { return `${value < 0 ? "" : "+"}${value.toFixed(2)}`; }

function draw(element) {
  const figure = figureOf(element);
  if (!figure) {
    if (element.data) Plotly.purge(element);
    element.textContent = "Nothing to draw.";
    return;
  }
  if (!element.data) element.textContent = "";
  const ink = colour("--ink");
  const line = { gridcolor: colour("--line"), zerolinecolor: colour("--soft"), linecolor: colour("--line") };
  const layout = {
    ...figure.layout,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: getComputedStyle(document.body).fontFamily, size: 13 },
    hoverlabel: { bgcolor: colour("--tip"), bordercolor: colour("--tip"), font: { color: colour("--on-tip") } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("--soft"), activecolor: colour("--ink") },
    dragmode: FINGER ? false : "zoom",
    xaxis: { ...line, ...figure.layout.xaxis }, yaxis: { ...line, ...figure.layout.yaxis },
  };
  const data = figure.data.map((trace) => trace.meta
    ? { ...trace, marker: { ...trace.marker, color: ink }, error_x: { ...trace.error_x, color: ink } } : { ...trace });
  Plotly.react(element, data, layout, CONFIG).then(() => {
    if (element.dataset.listens) return;
    element.dataset.listens = true;
    element.on("plotly_click", ({ points: [point] }) => {
      if (point.customdata) listenTo(point.customdata[0], point.customdata[1], chosen("track-target"));
    });
  });
}

const inSight = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting || inSight.has(target)) continue;
    inSight.add(target);
    draw(target);
  }
}, { rootMargin: "300px" });

function redraw() { inSight.forEach(draw); }

/** For paper: all figures, also those that nobody has scrolled to, light and as wide as the page. */
function forPaper(printing) {
  document.documentElement.toggleAttribute("data-printing", printing);
  for (const element of document.querySelectorAll(".plot")) {
    inSight.add(element);
    if (element.data) Plotly.purge(element); // what is drawn keeps its width
    delete element.dataset.listens;
    draw(element);
  }
}

for (const element of document.querySelectorAll(".plot")) sight.observe(element);
for (const name of Object.values(CHOICES)) {
  for (const input of document.getElementsByName(name)) input.addEventListener("change", redraw);
}
themeListeners.push(redraw);
addEventListener("beforeprint", () => forPaper(true));
addEventListener("afterprint", () => forPaper(false));
matchMedia("print").addEventListener("change", ({ matches }) => forPaper(matches));
