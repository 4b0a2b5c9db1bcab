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
  return page.figures[key];
}

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
