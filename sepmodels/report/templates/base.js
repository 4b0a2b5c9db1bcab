// What all scripts of the page share.
const page = JSON.parse(document.getElementById("data").textContent);
const systems = new Map(page.systems.map((system) => [system.name, system]));

/** A new element: properties are set as attributes, but for functions (listeners), `text` and `value`. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "text") element.textContent = value;
    else if (name === "style") element.style.cssText = value;
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Say something to those who do not see the page. */
function say(text) {
  const spoken = document.getElementById("spoken");
  spoken.textContent = "";
  setTimeout(() => { spoken.textContent = text; }, 50);
}

function chosen(name) {
  return document.querySelector(`input[name="${name}"]:checked`)?.value;
}

function decibels(value, signed = false) {
  if (value === null || value === undefined) return "–";
  const text = value.toFixed(1).replace(/^-0\.0$/, "0.0").replace("-", "−");
  return signed && value > 0 ? `+${text}` : text;
}

/** Hand a text to the person as a file. */
function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** One tab stop for a whole grid of focusable cells; the arrow keys, Home and End move in it. */
function rove(table, selector) {
  const cells = () => [...table.rows].map((row) => [...row.querySelectorAll(selector)]).filter((row) => row.length);
  const settle = (cell) => {
    table.querySelectorAll(`${selector}[tabindex="0"]`).forEach((one) => one.setAttribute("tabindex", "-1"));
    cell?.setAttribute("tabindex", "0");
  };
  table.addEventListener("focusin", (event) => {
    const cell = event.target.closest(selector);
    if (cell) settle(cell);
  });
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest(selector);
    const rows = cells();
    const row = rows.findIndex((one) => one.includes(cell));
    if (row < 0) return;
    const column = rows[row].indexOf(cell);
    const wanted = {
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column], Home: [row, 0], End: [row, rows[row].length - 1],
    }[event.key];
    if (!wanted) return;
    event.preventDefault();
    rows[wanted[0]]?.[wanted[1]]?.focus();
  });
  settle(cells()[0]?.[0]);
}
