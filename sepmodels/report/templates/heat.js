// The tracks by the systems: a cell is a score, and clicking it plays that estimate.
const heat = document.getElementById("heat");

function drawHeat() {
  const [target, metric] = [chosen("track-target"), chosen("track-metric")];
  const values = shownValues(page.heat.values[target][metric]);
  const sizes = values.flat().filter((value) => value !== null).map(Math.abs).sort((a, b) => a - b);
  const largest = Math.max(0.1, sizes[Math.floor(0.95 * (sizes.length - 1))] ?? 1); // a few outliers do not pale the rest
  const focused = heat.querySelector("button[tabindex='0']")?.dataset.at;
  const table = make("table", { class: "heat" },
    make("caption", { class: "unseen", text: `${metric} of the ${target} in dB, a row per track, a column per system` }),
    make("thead", {}, make("tr", {}, make("th", { scope: "col", text: "Track" }),
      ...page.heat.systems.map((name) => make("th", { scope: "col", text: systems.get(name).title })))),
    make("tbody", {}, ...page.heat.tracks.map((track, row) => heatRow(track, values[row], largest, target, metric))));
  heat.replaceChildren(table);
  rove(table, "button");
  if (focused) {
    table.querySelector("button[tabindex='0']")?.setAttribute("tabindex", "-1");
    table.querySelector(`button[data-at="${focused}"]`)?.setAttribute("tabindex", "0");
  }
}

/** The scores as they are, or less the baseline's of the same track. */
function shownValues(values) {
  const baseline = page.heat.systems.indexOf(page.baseline);
  if (chosen("heat-show") !== "difference" || baseline < 0) return values;
  return values.map((row) => row.map((value) => (value === null || row[baseline] === null ? null : value - row[baseline])));
}

function heatRow(track, values, largest, target, metric) {
  const signed = chosen("heat-show") === "difference";
  const heard = page.listening.some((one) => one.track === track);
  return make("tr", {},
    make("th", { scope: "row", text: track, title: track, class: heard ? "excerpt" : "" }),
    ...values.map((value, column) => {
      const { name, title } = systems.get(page.heat.systems[column]);
      const can = canListen(track, name, target);
      const much = value === null ? 0 : Math.min(1, Math.abs(value) / largest);
      const said = `${decibels(value, signed)} dB${signed ? ` against ${systems.get(page.baseline).title}` : ""}`;
      return make("td", {}, make("button", {
        type: "button", tabindex: "-1", text: decibels(value, signed), "data-at": `${track}/${name}`,
        "aria-disabled": can ? null : "true",
        "aria-label": `${track}, ${title}: ${said}${can ? ", listen" : ""}`,
        "data-explain": `${track}, ${title}, ${target}: ${metric} ${said}. ${can ? "Click to hear it." : "Not to be heard here."}`,
        style: `--hue: var(${value < 0 ? "--bad" : "--good"}); --much: ${much.toFixed(3)}`,
        click: () => { if (can) listenTo(track, name, target); },
      }));
    }));
}

/** Whether there is a sound of it: an excerpt, or the whole estimate where the page lies beside it. */
function canListen(track, system, target) {
  const excerpt = page.listening.find((one) => one.track === track);
  if (excerpt && (system === "mixture" || excerpt.signals.some((one) => one.system === system))) return true;
  return target === TARGETS[0] && system in page.estimate_folders;
}

/** Play a system's estimate of a track. */
function listenTo(track, system, target) {
  if (!canListen(track, system, target)) return;
  if (page.listening.some((one) => one.track === track)) openTrack(track, system === "mixture" ? "mixture" : `${system}/${target}`);
  else playElsewhere(track, system);
}

function closeElsewhere() {
  const shown = document.querySelector(".elsewhere");
  shown?.querySelector("audio").pause();
  shown?.remove();
}

/** The whole estimate, from the folder that the benchmark keeps beside the report's. */
function playElsewhere(track, system) {
  closeElsewhere();
  const title = `${systems.get(system).title}: ${track}`;
  const note = make("span", { text: title });
  const audio = make("audio", {
    controls: true, "aria-label": title, src: `${page.estimate_folders[system]}/${encodeURIComponent(track)}/${TARGETS[0]}.wav`,
    error: () => { note.textContent = `${title} is not beside this page: only the tracks marked ♪ travel with it.`; },
  });
  pausePlayer();
  heat.after(make("div", { class: "elsewhere" }, note, audio,
    make("button", { type: "button", text: "Close", click: closeElsewhere })));
  audio.play().catch(() => {}); // the note says why
  say(`Playing ${title}`);
}

for (const name of ["track-target", "track-metric", "heat-show"]) {
  for (const input of document.getElementsByName(name)) input.addEventListener("change", drawHeat);
}
