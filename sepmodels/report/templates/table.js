// The table of results: sorting, moving in it, and copies of it in the order shown.
for (const table of document.querySelectorAll("table.results")) {
  rove(table, "tbody th, tbody td");
  table.querySelectorAll("thead button").forEach((button, column) => {
    button.addEventListener("click", () => sortBy(table, column));
  });
}

/** First click: the greatest first (texts: from A); second: the other way round; third: as it was. */
function sortBy(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const texts = [...table.tBodies[0].rows].some((row) => typeof orderOf(row, column) === "string");
  const steps = texts ? ["none", "ascending", "descending"] : ["none", "descending", "ascending"];
  const next = steps[(steps.indexOf(heads[column].ariaSort) + 1) % steps.length];
  heads.forEach((head, place) => { head.ariaSort = place === column ? next : "none"; });
  arrange(table);
  say(next === "none" ? "Sorted as before" : `Sorted by ${heads[column].innerText.trim()}, ${next}`);
}

function orderOf(row, column) { return JSON.parse(row.cells[column].dataset.order); }

/** Put the rows in the order that the headings say. */
function arrange(table) {
  const heads = [...table.tHead.rows[0].cells];
  const column = Math.max(0, heads.findIndex((head) => head.ariaSort !== "none"));
  const next = heads[column].ariaSort;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  rows.forEach((row, place) => { row.dataset.place ??= place; });
  const orders = new Map(rows.map((row) => [row, orderOf(row, column)]));
  const compare = (a, b) => {
    const [left, right] = [orders.get(a), orders.get(b)];
    if (next === "none" || left === right) return a.dataset.place - b.dataset.place;
    if (left === null || right === null) return left === null ? 1 : -1; // what is not known comes last
    const sign = next === "ascending" ? 1 : -1;
    return sign * (typeof left === "string" ? left.localeCompare(right) : left - right);
  };
  body.append(...rows.sort(compare));
}

document.getElementById("table-target").addEventListener("change", () => {
  for (const one of document.querySelectorAll("[data-target]")) one.hidden = one.dataset.target !== chosen("table-target");
});

/** Which rows are shown, in the tables and their copies. */
for (const input of document.getElementsByName("row")) {
  input.addEventListener("change", () => {
    for (const row of document.querySelectorAll(`table.results tr[data-variant="${input.value}"]`)) row.hidden = !input.checked;
  });
}

function copyOf(format) {
  const target = chosen("table-target");
  const rows = document.querySelectorAll(`table[data-table="${target}"] tbody tr:not([hidden])`);
  const shown = page.against[page.baseline].tables[target];
  const lines = [...rows].map((row) => shown.rows[row.dataset.variant].copies[format]);
  return [shown.heads[format], ...lines, page.tails[target][format]].filter(Boolean).join("\n") + "\n";
}

async function copy(button) {
  const text = copyOf(button.dataset.copy);
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // not allowed to pages from disk in every browser
    const area = make("textarea", { class: "unseen" });
    area.value = text;
    document.body.append(area);
    area.select();
    done = document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = done ? "Copied" : "Not copied";
  say(done ? `Copied as ${button.dataset.copy}` : "The browser did not allow to copy");
  setTimeout(() => { button.textContent = button.dataset.copy; }, 1500);
}

for (const button of document.querySelectorAll("[data-copy]")) button.addEventListener("click", () => copy(button));
