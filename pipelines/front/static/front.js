"use strict";
// The front page: asks every two seconds how things stand, and draws what has changed.
const EVERY_MS = 2000, CURVES_EVERY_MS = 10000;
const STATES = { stale: "stale", waiting: "waits for what it reads", never: "not made yet" };
const CURVES = { loss: "training loss", validation_loss: "validation loss", validation_sdr_db: "validation SDR, dB" };
const $ = (id) => document.getElementById(id);
let drawn = {}, begun = "", curvesAt = 0;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// Draw again only what is no longer the same: what a person reads, selects or has opened stays as it is.
function draw(id, content, elements) {
  const text = JSON.stringify(content);
  if (drawn[id] === text) return;
  drawn[id] = text;
  $(id).replaceChildren(...elements(content));
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function figure([name, value]) {
  const words = name.replace(/_per_second$/, "/s").replaceAll("_", " ");
  return words.endsWith("/s") ? `${value.toPrecision(3)} ${words}` : `${words} ${value.toPrecision(3)}`;
}

function seedsToGo(one) {
  return one.part < one.parts ? ` for the ${one.parts - one.part + 1} seeds to go` : "";
}

function goingItem(one) {
  const name = `going-${one.asset.replaceAll("/", "-")}`;
  const part = one.parts > 1 ? ` of seed ${one.part} of ${one.parts}` : "";
  const said = one.total ? [`${one.done} of ${one.total} ${one.unit}s${part}`, ...Object.entries(one.figures).map(figure)] : ["has begun"];
  if (one.seconds_left !== null) said.push(`about ${duration(one.seconds_left)} left${seedsToGo(one)}`);
  const bar = make("progress", { max: 1 });
  if (one.total) bar.value = (one.part - 1 + one.done / one.total) / one.parts;
  bar.setAttribute("aria-labelledby", name);
  return make("li", {}, make("strong", { id: name, textContent: one.asset }), " ",
    make("span", { className: "figures", textContent: said.join(", ") }), bar);
}

function runWords(run) {
  const since = run.startTime ?? run.creationTime;
  const words = { QUEUED: "waits in the queue", NOT_STARTED: "is about to begin", STARTING: "is about to begin",
    CANCELING: "is being stopped" }[run.status] ?? `runs since ${new Date(1000 * since).toLocaleTimeString()}`;
  return make("span", {}, make("a", { href: `/dagster/runs/${run.runId}`, textContent: `The run ${run.runId.slice(0, 8)}` }), ` ${words}. `);
}

function drawNow({ going, running, last }) {
  draw("now", [running, last], () => {
    if (running.length) return running.map(runWords);
    if (!last) return ["Nothing has run yet."];
    const how = { SUCCESS: "ended well", FAILURE: "failed", CANCELED: "was stopped" }[last.status];
    return ["Nothing runs. ", make("a", { href: `/dagster/runs/${last.runId}`, textContent: "The last run" }), ` ${how}.`];
  });
  draw("going", going, () => going.map(goingItem));
}

function productItem(product) {
  const time = product.state === "stale" && product.seconds ? `, ${duration(product.seconds)} to make again` : "";
  const shown = product.state === "never" ? [] : product.reasons;
  return make("li", {}, `${product.name} `, make("span", { className: "state", textContent: STATES[product.state] + time }),
    ...shown.map((reason) => make("span", { className: "reason", textContent: reason })));
}

function drawProducts({ standings, running }) {
  const { products, looked_at: lookedAt, looking, fault } = standings;
  const behind = products.filter((one) => one.state !== "fresh");
  const known = behind.map((one) => one.seconds).filter((seconds) => seconds);
  let words = "Looking…";
  if (lookedAt !== null) {
    words = behind.length ? `${behind.length} of ${products.length} products are not up to date.` : `All ${products.length} products are up to date.`;
    if (known.length) words += ` They take about ${duration(known.reduce((sum, one) => sum + one))}.`;
    if (running.length) words += " So it was when the run began.";
    else if (looking) words += " Looking again…";
  }
  if (fault) words = `It cannot be said what is stale: ${fault}`;
  draw("stale", words, () => [words]);
  $("refresh").hidden = !behind.length;
  $("refresh").disabled = running.length > 0 || begun !== "";
  draw("products", behind, () => Object.entries(Object.groupBy(behind, (one) => one.system)).map(([system, list]) =>
    make("div", {}, make("h3", { textContent: system }), make("ul", { className: "plain" }, ...list.map(productItem)))));
}

const decibels = (value) => value === null ? "" : value.toFixed(2);

function drawResults({ results, report }) {
  $("to-report").querySelector("span").textContent = report ? "table, figures, listening" : "not made yet";
  $("to-report").className = report ? "" : "absent";
  if (!results) return;
  draw("results", results, () => {
    const head = ["System", "SDR", "95 %", "SIR", "SAR", "ISR"].map((text) => make("th", { textContent: text, scope: "col" }));
    const rows = results.rows.map((row) => make("tr", { className: ["floor", "ceiling"].includes(row.place) ? "bound" : "" },
      make("th", { textContent: row.title, scope: "row" }), make("td", { textContent: decibels(row.SDR) }),
      make("td", { textContent: row.SDR_low === null ? "" : `${decibels(row.SDR_low)} to ${decibels(row.SDR_high)}` }),
      ...["SIR", "SAR", "ISR"].map((name) => make("td", { textContent: decibels(row[name]) }))));
    const wide = make("div", { className: "wide", tabIndex: 0 }, make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", `Results of the ${results.target}`);
    return [wide, make("p", { className: "figures", textContent: `${results.target[0].toUpperCase() + results.target.slice(1)}, dB; ${results.scenario}.` }),
      make("ul", {}, ...results.said.map((sentence) => make("li", { textContent: sentence })))];
  });
}

async function plotly() {
  if (!window.Plotly) await new Promise((loaded, failed) => document.head.append(make("script", { src: "/plotly.js", onload: loaded, onerror: failed })));
  return window.Plotly;
}

function traces(curves, kind) {
  return Object.entries(curves).filter(([name]) => name.endsWith(kind) && (name === kind || name.endsWith(`/${kind}`)))
    .map(([name, points]) => ({ name: name === kind ? CURVES[kind] : `${CURVES[kind]}, ${name.split("/")[0].replace("_", " ")}`,
      x: points.map(([step]) => step), y: points.map(([, value]) => value), mode: "lines" }));
}

async function drawCurves(state) {
  const trains = state.going.some((one) => one.unit === "step");
  if (!trains) { $("curves").replaceChildren(); return; }
  if (Date.now() - curvesAt < CURVES_EVERY_MS) return;
  curvesAt = Date.now();
  const all = await (await fetch("/curves")).json();
  const library = await plotly();
  const ink = getComputedStyle(document.body).color;
  for (const [asset, curves] of Object.entries(all)) {
    const name = `curve-${asset.replaceAll("/", "-")}`;
    if (!$(name)) $("curves").append(make("h3", { textContent: asset }), make("div", { id: name, className: "curve" }));
    const lines = [...traces(curves, "loss"), ...traces(curves, "validation_loss"),
      ...traces(curves, "validation_sdr_db").map((one) => ({ ...one, yaxis: "y2", line: { dash: "dot" } }))];
    const axis = { color: ink, gridcolor: "#8885", zeroline: false };
    library.react(name, lines, { margin: { l: 55, r: 55, t: 10, b: 40 }, font: { color: ink }, paper_bgcolor: "transparent",
      plot_bgcolor: "transparent", xaxis: { ...axis, title: { text: "step" } }, yaxis: { ...axis, title: { text: "loss" }, type: "log" },
      yaxis2: { ...axis, title: { text: "SDR, dB" }, overlaying: "y", side: "right", showgrid: false }, legend: { orientation: "h", y: 1.15 },
    }, { displayModeBar: false, responsive: true });
  }
}

function complain(words) {
  $("fault").textContent = words;
  $("fault").hidden = !words;
}

async function look() {
  try {
    const state = await (await fetch("/state")).json();
    complain(state.fault);
    if (state.running.some((run) => run.runId === begun) || state.last?.runId === begun) begun = "";
    drawNow(state);
    drawProducts(state);
    drawResults(state);
    await drawCurves(state);
  } catch {
    complain("sepbench ui does not answer: is it still running?");
  }
  setTimeout(look, EVERY_MS);
}

$("refresh").addEventListener("click", async () => {
  $("refresh").disabled = true;
  $("refresh-said").textContent = "Loading the code as it is now…";
  const answer = await fetch("/refresh", { method: "POST" });
  const said = await answer.json();
  begun = answer.ok ? said.run : "";
  $("refresh-said").textContent = answer.ok ? "The run has begun: only what is listed here is made." : said.message;
  $("refresh-said").className = answer.ok ? "" : "fault";
});
look();
