// The system that the others are compared with: in the tables, their copies, the sentences, the differences by track.
const baselineChoice = document.getElementById("baseline"); // absent where there is no other
const givenBaseline = page.baseline;

function compareWith(name) {
  page.baseline = name;
  const { title } = systems.get(name);
  for (const element of document.querySelectorAll("[data-baseline]")) element.textContent = title;
  for (const table of document.querySelectorAll("table.results")) showAgainst(table, page.against[name].tables[table.dataset.table]);
  document.getElementById("said").replaceChildren(...page.against[name].said.map(([text, colour]) =>
    make("li", { text, style: colour && `--hue: ${colour}` })));
  redraw();
  drawHeat();
}

function showAgainst(table, shown) {
  const heading = table.tHead.querySelector("[data-column=difference]");
  [heading.textContent, heading.dataset.explain] = shown.heading;
  for (const row of table.tBodies[0].rows) {
    for (const [place, [text, explanation, order]] of Object.entries(shown.rows[row.dataset.variant].cells)) {
      const cell = row.cells[place];
      cell.textContent = text || "–";
      cell.dataset.explain = explanation;
      cell.dataset.order = JSON.stringify(order);
    }
  }
  arrange(table);
}

/** The address of the page names the baseline, if it is not the given one: before what it names of the listening. */
function linkToBaseline(name) {
  const wanted = new URLSearchParams(location.search);
  if (name === givenBaseline) wanted.delete("baseline");
  else wanted.set("baseline", name);
  const query = wanted.size ? `?${wanted}` : location.pathname;
  try { history.replaceState(null, "", query + location.hash); } catch { /* not in every place where a page may lie */ }
}

function openBaseline() {
  const wanted = new URLSearchParams(location.search).get("baseline");
  if (!baselineChoice || !(wanted in page.against)) return;
  baselineChoice.value = wanted;
  compareWith(wanted);
}

baselineChoice?.addEventListener("change", () => {
  compareWith(baselineChoice.value);
  linkToBaseline(baselineChoice.value);
  say(`Compared with ${systems.get(baselineChoice.value).title}`);
});
