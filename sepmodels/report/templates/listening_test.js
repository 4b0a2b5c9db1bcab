// The listening test, after MUSHRA (ITU-R BS.1534): letters in random order are rated beside a known reference.
const GRADES = ["bad", "poor", "fair", "good", "excellent"]; // of twenty points each
// The names of what is no system, in the ratings' file: no system can have a name with brackets.
const HIDDEN = { "(reference)": "The reference, hidden", "(mixture)": "The mixture", "(low-pass)": "The reference below 3.5 kHz" };
const STORE = `sepbench listening test ${page.listening.map((entry) => entry.file).join(" ")}`; // other sounds, another test
const test = { on: false, target: TARGETS[0], listener: newListener(), drafts: {}, ratings: [] };

function random(below) { return Math.floor((crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32) * below); }

function shuffled(values) {
  const mixed = [...values];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = random(last + 1);
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}

recall();

function newListener() { return `listener ${random(2 ** 24).toString(16).padStart(6, "0")}`; }

/** Ratings outlive a reload, where the browser lets this page keep something. */
function keep() {
  const { target, listener, drafts, ratings } = test;
  try { localStorage.setItem(STORE, JSON.stringify({ target, listener, drafts, ratings })); } catch { /* they last as long as the page */ }
}

function recall() {
  try { Object.assign(test, JSON.parse(localStorage.getItem(STORE) ?? "{}")); } catch { /* nothing was kept */ }
}

/** What is rated of a track, in the order of its letters, and the points so far. The order is drawn once. */
function draftOf(track) {
  const key = `${test.listener}/${test.target}/${track}`;
  if (!test.drafts[key]) {
    const systems = page.ranked.filter((name) => soundOf(name));
    test.drafts[key] = { order: shuffled([...systems, ...Object.keys(HIDDEN)]), points: {} };
    keep();
  }
  return test.drafts[key];
}

/** The key of what is heard for a name of the test; undefined where the track has no such sound. */
function soundOf(name) {
  const key = { "(reference)": test.target, "(mixture)": "mixture", "(low-pass)": `low-pass/${test.target}` }[name] ?? `${name}/${test.target}`;
  return desk.entry.signals.find((one) => one.key === key);
}

function letter(number) { return String.fromCharCode(65 + number); }

function rated(track) { return test.ratings.some((one) => one.listener === test.listener && one.target === test.target && one.track === track); }

function setTest(on) {
  test.on = on;
  desk.test.checked = on;
  desk.rating.hidden = !on;
  desk.shown = null;
  desk.wanted = null;
  if (on) {
    closeElsewhere(); // what plays there has a name
    setErrors(false);
    hear(test.target);
  } else desk.rating.replaceChildren();
  showSignals();
  say(on ? "Listening test: the systems are letters now" : "The names are shown again");
}

/** A row for each letter: hear it, and rate it. The reference stands above, by its name. */
function testChoices() {
  const draft = draftOf(desk.entry.track);
  const known = make("tr", {}, make("td", {}, choice(soundOf("(reference)"), "Reference")),
    make("td", { class: "note", text: `the true ${test.target}` }));
  return make("table", { class: "rated" }, make("tbody", {}, known, ...draft.order.map((name, number) => {
    const grade = make("output", { text: gradeOf(draft.points[name]) });
    const slider = make("input", {
      type: "range", min: 0, max: 100, step: 1, value: draft.points[name] ?? 50, "aria-label": `Rating of ${letter(number)}`,
      input: () => {
        draft.points[name] = Number(slider.value);
        grade.textContent = gradeOf(draft.points[name]);
        slider.setAttribute("aria-valuetext", grade.textContent);
        keep();
        showRating();
      },
    });
    slider.setAttribute("aria-valuetext", grade.textContent);
    return make("tr", {}, make("td", {}, choice(soundOf(name), letter(number), letter(number))), make("td", {}, slider), make("td", {}, grade));
  })));
}

function gradeOf(points) { return points === undefined ? "not rated" : `${points} ${GRADES[Math.min(4, Math.floor(points / 20))]}`; }

/** What is asked, and the buttons. */
function showRating() {
  const { track } = desk.entry;
  const draft = draftOf(track);
  const left = draft.order.filter((name) => draft.points[name] === undefined).length;
  const done = page.listening.filter((entry) => rated(entry.track)).length;
  const focused = desk.rating.contains(document.activeElement) ? document.activeElement.dataset.act : null;
  desk.rating.replaceChildren(
    make("p", { text: `How close to the reference is each letter? 100 is the same. One letter is the reference, so rate at least one at 100. ${done} of ${page.listening.length} tracks are rated${rated(track) ? ", this one too" : ""}.` }),
    make("div", { class: "row" },
      make("fieldset", { class: "choice" }, make("legend", { class: "unseen", text: "Target of the test" }),
        ...TARGETS.map((target) => make("label", {}, make("input", {
          type: "radio", name: "test-target", value: target, checked: target === test.target, "data-act": target,
          change: () => { test.target = target; keep(); hear(target); showSignals(); },
        }), make("span", { text: target })))),
      make("button", { type: "button", class: "main", "data-act": "save", disabled: left > 0, click: saveRatings, text: left ? `${left} not rated` : "Save, and go on" }),
      make("button", { type: "button", "data-act": "result", text: "Show the result", disabled: !test.ratings.length, click: showResult })));
  if (focused) desk.rating.querySelector(`[data-act="${focused}"]`)?.focus();
}

/** Keep the ratings of this track in place of earlier ones, and go on with a track that has none. */
function saveRatings() {
  const { track } = desk.entry;
  const draft = draftOf(track);
  const { listener, target } = test;
  test.ratings = test.ratings.filter((one) => !(one.listener === listener && one.target === target && one.track === track));
  const time = new Date().toISOString();
  draft.order.forEach((name, number) => test.ratings.push({ listener, track, target, system: name, rating: draft.points[name], letter: letter(number), time }));
  keep();
  player.pause();
  desk.wanted = null;
  const next = page.listening.find((entry) => !rated(entry.track));
  say(next ? "Saved. The next track" : "Saved. All tracks are rated");
  if (next) open(next);
  else showResult();
}

/** What a rating was for, told apart also where variants share a title. */
function ratedName(name) {
  if (HIDDEN[name]) return HIDDEN[name];
  const title = systems.get(name)?.title ?? name;
  return page.systems.some((one) => one.title === title && one.name !== name) ? `${title} (${name})` : title;
}

function showResult() {
  player.pause();
  setTest(false);
  const names = [...new Set(test.ratings.map((one) => one.system))];
  const means = names.map((name) => {
    const points = test.ratings.filter((one) => one.system === name).map((one) => one.rating);
    return [ratedName(name), points.reduce((sum, one) => sum + one, 0) / points.length];
  }).sort((a, b) => b[1] - a[1]);
  const listeners = new Set(test.ratings.map((one) => one.listener)).size;
  const tracks = new Set(test.ratings.map((one) => `${one.target}/${one.track}`)).size;
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  desk.rating.hidden = false;
  desk.rating.replaceChildren(
    make("p", {}, make("strong", { text: `Mean ratings of ${count(listeners, "listener")} on ${count(tracks, "track")}` })),
    make("table", { class: "votes" }, make("tbody", {}, ...means.map(([name, mean]) => make("tr", {}, make("th", { scope: "row", text: name }),
      make("td", {}, make("meter", { min: 0, max: 100, value: String(mean), "aria-label": `${name}: ${mean.toFixed(0)} of 100` }), ` ${mean.toFixed(0)}`))))),
    make("p", { class: "note", text: "Download the file. `sepbench votes FILE...` then gives intervals and differences, of all listeners together." }),
    make("div", { class: "row" },
      make("button", { type: "button", class: "main", text: "Download the ratings (CSV)", click: () => download("ratings.csv", ratingsCsv(), "text/csv") }),
      make("button", { type: "button", text: "Go on rating", click: () => setTest(true) }),
      make("button", { type: "button", text: "Next listener", click: () => { test.listener = newListener(); keep(); setTest(true); } })));
  desk.rating.querySelector("button").focus();
}

function ratingsCsv() {
  const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const names = ["listener", "track", "target", "system", "rating", "letter", "time"];
  return [names.join(","), ...test.ratings.map((one) => names.map((name) => quoted(one[name])).join(","))].join("\r\n") + "\r\n";
}
