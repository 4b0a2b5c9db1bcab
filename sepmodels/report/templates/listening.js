// The players: tracks to choose, what is heard of them, and its picture under the cursor.
const TARGETS = page.targets; // what was separated, and the rest
const place = document.getElementById("listening");
const player = new Player(showState);
const desk = { spectra: new Map(), loudest: 0, entry: null, wanted: null, heard: null }; // heard: the choice, of which two may be one sound

function pausePlayer() { player.pause(); }

function clock(seconds) {
  const tenths = Math.floor(seconds * 10) / 10;
  return `${Math.floor(tenths / 60)}:${(tenths % 60).toFixed(1).padStart(4, "0")}`;
}

function nameOf(signal) {
  if (!signal.system) return signal.target ? `True ${signal.target}` : "Mixture";
  return `${systems.get(signal.system).title}, ${signal.target}`;
}

function buildListening() {
  if (!place) return;
  const tabs = make("div", { class: "tabs", role: "radiogroup", "aria-label": "Track" },
    ...page.listening.map((entry, number) => make("label", {},
      make("input", { type: "radio", name: "heard-track", value: number, change: () => open(entry) }),
      make("span", {}, entry.track, make("small", { text: entry.reasons.join("; ") })))));
  desk.play = make("button", { type: "button", class: "main", text: "Play", disabled: true, click: toggle });
  desk.slider = make("input", {
    type: "range", min: 0, max: 1, step: 0.01, value: 0, "aria-label": "Position in seconds",
    input: () => { player.seek(Number(desk.slider.value)); follow(); },
  });
  desk.clock = make("output", { text: "0:00.0" });
  const loop = make("input", { type: "checkbox", checked: true, change: () => player.setLoop(loop.checked) });
  const loud = make("input", { type: "checkbox", checked: true, change: () => player.setMatched(loud.checked) });
  desk.errors = make("input", { type: "checkbox", change: () => setErrors(desk.errors.checked) });
  desk.test = make("input", { type: "checkbox", change: () => setTest(desk.test.checked) });
  desk.signals = make("fieldset", { class: "signals" });
  desk.view = buildView();
  desk.rating = make("div", { class: "test", hidden: true });
  place.append(tabs, make("div", { class: "desk" },
    make("div", { class: "transport" }, desk.play,
      make("div", { class: "place" }, desk.slider, desk.clock),
      make("label", {}, loop, " loop"), make("label", {}, loud, " equally loud"), make("label", { "data-explain": "Of each estimate only what differs from the truth: the estimate minus the true sound." }, desk.errors, " error only"),
      make("label", {}, desk.test, " listening test")),
    desk.rating, desk.signals, desk.view));
  document.getElementById("listen").addEventListener("keydown", (event) => {
    const typed = event.target.closest("button, select, audio, input:not([type='radio'])");
    if (event.key === " " && !typed) { event.preventDefault(); toggle(); }
  });
  const first = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    first.disconnect();
    if (!desk.entry) open(page.listening[0]);
  }, { rootMargin: "200px" });
  first.observe(place);
}

function buildView() {
  desk.canvas = make("canvas", { role: "img", "aria-label": "Spectrogram of what is heard" });
  desk.cursors = [make("div", { class: "cursor" }), make("div", { class: "cursor" })];
  const marks = [100, 1000, 10000].map((hertz) => make("span", {
    class: "hz", text: hertz < 1000 ? `${hertz} Hz` : `${hertz / 1000} kHz`, "aria-hidden": "true",
    style: `top: ${100 * Math.log(hertz / HIGHEST_HZ) / Math.log(LOWEST_HZ / HIGHEST_HZ)}%`,
  }));
  desk.scope = make("div", { class: "scope", click: (event) => {
    const box = desk.scope.getBoundingClientRect();
    player.seek(((event.clientX - box.left) / box.width) * player.duration);
    follow();
  } }, desk.canvas, ...marks, desk.cursors[0]);
  desk.lines = make("div", { class: "lines" });
  desk.readout = make("p", { class: "note" });
  return make("div", { class: "view" }, desk.scope, desk.lines, desk.readout);
}

/** Make a track ready: its sounds, its choices, its picture. */
async function open(entry) {
  desk.entry = entry;
  desk.spectra.clear();
  document.getElementsByName("heard-track")[page.listening.indexOf(entry)].checked = true;
  desk.play.disabled = true;
  desk.play.textContent = "Loading …";
  desk.slider.max = entry.seconds;
  const known = entry.signals.some((signal) => signal.key === desk.wanted);
  hear(known ? desk.wanted : test.on ? test.target : "mixture");
  showSignals();
  try {
    if (!(await player.load(entry))) return false;
  } catch (fault) {
    if (desk.entry === entry) {
      desk.play.textContent = "No sound";
      desk.readout.textContent = `${fault.message}: keep index.html and its folder audio together.`;
    }
    return false;
  }
  desk.slider.max = player.duration;
  desk.play.disabled = false;
  desk.loudest = Math.max(...spectrum("mixture"));
  showState();
  follow();
  return true;
}

function setErrors(on) {
  desk.errors.checked = on;
  player.setErrors(on);
  desk.spectra.clear();
  desk.shown = null;
  showState();
}

/** From elsewhere on the page: hear this sound of this track. */
async function openTrack(track, key) {
  const entry = page.listening.find((one) => one.track === track);
  if (test.on) {
    desk.rating.scrollIntoView({ block: "center" });
    say("The listening test is on: end it to hear systems by name");
    return;
  }
  desk.wanted = key;
  document.getElementById("listen").scrollIntoView();
  const ready = desk.entry === entry && player.buffers.size ? (hear(key), showSignals(), true) : await open(entry);
  if (ready) await player.play();
  say(`Playing ${nameOf(entry.signals.find((signal) => signal.key === key))}, ${track}`);
}

function toggle() {
  if (player.playing) player.pause();
  else { document.querySelector(".elsewhere audio")?.pause(); player.play(); }
}

/** The choices of what is heard: a row per system, its estimate of the target and the rest. */
function showSignals() {
  const legend = make("legend", { text: "What you hear" });
  if (test.on) { desk.signals.replaceChildren(legend, testChoices()); showRating(); }
  else {
    const there = page.audible.filter((name) => desk.entry.signals.some((one) => one.system === name));
    const rows = [""].concat(there).map((system) => make("tr", {},
      make("th", { scope: "row" }, make("span", { class: "dot", style: system ? `--hue: ${systems.get(system).colour}` : null }),
        system ? systems.get(system).title : "Truth"),
      ...TARGETS.map((target) => make("td", {}, choice(desk.entry.signals.find(
        (one) => one.system === system && one.target === target))))));
    const mixture = make("tr", {}, make("th", { scope: "row" }, make("span", { class: "dot" }), "Mixture"),
      make("td", { colspan: 2 }, choice(desk.entry.signals.find((one) => one.key === "mixture"))));
    desk.signals.replaceChildren(legend, make("table", {},
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, make("span", { class: "unseen", text: "System" })),
        ...TARGETS.map((target) => make("th", { scope: "col", text: `${target}, SDR` })))),
      make("tbody", {}, mixture, ...rows)));
  }
  showState();
}

function median(values) {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (!known.length) return null;
  return (known[Math.floor((known.length - 1) / 2)] + known[Math.floor(known.length / 2)]) / 2;
}

function choice(signal, text = null, value = signal.key) {
  const shown = text ?? (signal.system ? decibels(median(signal.sdr)) : "♪");
  return make("label", {}, make("input", {
    type: "radio", name: "signal", value, "aria-label": text ?? nameOf(signal),
    change: () => { desk.wanted = test.on ? null : signal.key; hear(signal.key, value); },
  }), make("span", { text: shown }));
}

function spectrum(key) {
  if (!desk.spectra.has(key)) desk.spectra.set(key, powers(player.soundOf(key), player.duration));
  return desk.spectra.get(key);
}

function hear(key, value = key) {
  desk.heard = value;
  player.select(key);
  if (!test.on) linkTo(desk.entry.track, key);
}

/** The address of the page names the track and what is heard, so that it can be given to others. */
function linkTo(track, key) {
  if (!desk.linked) { desk.linked = true; return; } // as it was opened
  const wanted = new URLSearchParams({ track, hear: key });
  try { history.replaceState(null, "", `#${wanted}`); } catch { /* not in every place where a page may lie */ }
}

/** Open what the address names, if it does. */
function openLinked() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const entry = page.listening.find((one) => one.track === wanted.get("track"));
  if (!entry) return;
  desk.wanted = wanted.get("hear");
  document.getElementById("listen").scrollIntoView();
  open(entry);
}

/** Bring everything in line with the player. */
function showState() {
  if (!desk.entry) return;
  const ready = player.entry === desk.entry && player.buffers.size > 0;
  desk.play.classList.toggle("going", player.playing);
  if (ready) desk.play.textContent = player.playing ? "Pause" : "Play";
  for (const input of document.getElementsByName("signal")) input.checked = input.value === desk.heard;
  desk.view.hidden = test.on;
  if (ready && !test.on && desk.shown !== `${desk.entry.file} ${player.key}`) {
    desk.shown = `${desk.entry.file} ${player.key}`;
    drawSpectrogram(desk.canvas, spectrum(player.key), desk.loudest);
    drawLines(desk.lines, desk.entry, player);
    desk.lines.append(desk.cursors[1]);
  }
  if (player.playing) requestAnimationFrame(follow);
}

/** Keep cursors and clock at what is heard. */
function follow() {
  const seconds = player.position;
  desk.slider.value = seconds;
  desk.slider.setAttribute("aria-valuetext", `${seconds.toFixed(1)} seconds`);
  desk.clock.textContent = `${clock(seconds)} / ${clock(player.duration)}`;
  desk.cursors.forEach((cursor) => { cursor.style.left = `${(100 * seconds) / player.duration}%`; });
  const signal = desk.entry.signals.find((one) => one.key === player.key);
  const score = signal.sdr[Math.floor(seconds)]; // of a last second that is cut short there is none
  const text = `${nameOf(signal)}, ${clock(desk.entry.start + seconds)} into the track` +
    (score === undefined ? "." : `: SDR ${decibels(score)} dB in this second.`);
  if (desk.readout.textContent !== text) desk.readout.textContent = text;
  if (player.playing) requestAnimationFrame(follow);
}
