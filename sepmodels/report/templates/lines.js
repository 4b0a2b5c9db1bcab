// SDR of every second along the excerpt: a step line for each system, what is heard in bold.
const LINES_WIDTH = 1000;
const LINES_HEIGHT = 128;

function vector(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Round figures between two values, a handful. */
function ticksBetween(low, high) {
  const step = [1, 2, 5, 10, 20, 50].find((one) => (high - low) / one <= 5) ?? 100;
  return Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, n) => (Math.ceil(low / step) + n) * step);
}

function stepsOf(values, x, y) {
  let path = "";
  values.forEach((value, second) => {
    if (value === null) return;
    const joined = second > 0 && values[second - 1] !== null;
    path += `${joined ? "L" : "M"}${x(second)} ${y(value)}L${x(second + 1)} ${y(value)}`;
  });
  return path;
}

function drawLines(element, entry, heardBy) {
  const target = entry.signals.find((one) => one.key === heardBy.key)?.target || TARGETS[0];
  const drawn = entry.signals.filter((one) => one.system && one.target === target);
  const known = drawn.flatMap((one) => one.sdr).filter((value) => value !== null);
  if (!known.length) {
    element.replaceChildren(make("p", { class: "note", text: "No second of this excerpt has a score." }));
    return;
  }
  const [low, high] = [Math.min(...known) - 1, Math.max(...known) + 1];
  const x = (second) => (second / heardBy.duration) * LINES_WIDTH;
  const y = (value) => ((high - value) / (high - low)) * LINES_HEIGHT;
  const svg = vector("svg", {
    viewBox: `0 0 ${LINES_WIDTH} ${LINES_HEIGHT}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `SDR of the ${target} in every second, a line per system`,
  });
  const labels = [make("span", { class: "hz sdr", "aria-hidden": "true", text: `SDR of the ${target}, dB`, style: "top: .5rem; left: auto; right: .35rem" })];
  for (const tick of ticksBetween(low, high)) {
    svg.append(vector("line", { class: "grid", x1: 0, x2: LINES_WIDTH, y1: y(tick), y2: y(tick) }));
    labels.push(make("span", { class: "hz sdr", "aria-hidden": "true", text: String(tick).replace("-", "−"), style: `top: ${(100 * y(tick)) / LINES_HEIGHT}%` }));
  }
  const last = drawn.sort((a, b) => (a.key === heardBy.key) - (b.key === heardBy.key)); // what is heard on top
  for (const signal of last) {
    svg.append(vector("path", {
      class: signal.key === heardBy.key ? "line chosen" : "line", d: stepsOf(signal.sdr, x, y),
      stroke: systems.get(signal.system).colour,
    }, vector("title", {}, nameOf(signal))));
  }
  element.replaceChildren(svg, ...labels);
}
