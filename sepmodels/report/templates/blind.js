// The blind test: names are letters in random order, and votes are counted.
const blind = { on: false, target: "vocals", orders: new Map(), votes: [] };

function shuffled(values) {
  const mixed = [...values];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor((crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32) * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}

/** The systems of a track, but for references, in the order of their letters: a new one for every vote. */
function orderOf(track) {
  const key = `${track}/${blind.target}`;
  if (!blind.orders.has(key)) blind.orders.set(key, shuffled(page.ranked.filter((name) => desk.entry.signals.some((one) => one.system === name))));
  return blind.orders.get(key);
}

function letter(number) { return String.fromCharCode(65 + number); }

function setBlind(on) {
  blind.on = on;
  desk.votes.hidden = !on;
  desk.shown = null;
  if (on) {
    blind.orders.clear(); // names may have been seen beside their letters' places
    closeElsewhere(); // what plays there has a name
    player.select("mixture");
  }
  if (!on) desk.votes.replaceChildren();
  desk.wanted = on ? null : desk.wanted;
  showSignals();
  say(on ? "Blind test: the systems are letters now" : "The names are shown again");
}

function blindChoices() {
  const find = (system, target) => desk.entry.signals.find((one) => one.system === system && one.target === target);
  const known = [["Mixture", "", ""], [`True ${blind.target}`, "", blind.target]];
  const rows = [...known, ...orderOf(desk.entry.track).map((system, number) => [letter(number), system, blind.target])];
  return make("table", {}, make("tbody", {}, ...rows.map(([name, system, target]) => {
    return make("tr", {}, make("td", {}, choice(find(system, target), name)));
  })));
}

function showVoting() {
  const order = orderOf(desk.entry.track);
  const heard = order.findIndex((system) => player.key === `${system}/${blind.target}`);
  const done = blind.votes.filter((vote) => vote.target === blind.target).map((vote) => vote.track);
  const focused = desk.votes.contains(document.activeElement) ? document.activeElement.dataset.act : null;
  desk.votes.replaceChildren(
    make("p", { text: `Which sounds best? Listen to the letters, and vote for the one you hear. ${blind.votes.length ? `Votes so far: ${blind.votes.length}.` : ""} ${done.includes(desk.entry.track) ? "You have voted on this track." : ""}` }),
    make("div", { class: "row" },
      make("fieldset", { class: "choice" }, make("legend", { class: "unseen", text: "Target of the test" }),
        ...Object.keys(TARGETS).map((target) => make("label", {}, make("input", {
          type: "radio", name: "blind-target", value: target, checked: target === blind.target, "data-act": target,
          change: () => { blind.target = target; player.select("mixture"); showSignals(); },
        }), make("span", { text: target })))),
      make("button", { type: "button", class: "main", "data-act": "vote", disabled: heard < 0, click: () => vote(order[heard]),
        text: heard < 0 ? "Vote" : `Vote for ${letter(heard)}` }),
      make("button", { type: "button", "data-act": "same", text: "No difference", click: () => vote(null) }),
      make("button", { type: "button", "data-act": "show", text: "Show the result", disabled: !blind.votes.length, click: showResult })));
  if (focused) desk.votes.querySelector(`[data-act="${focused}"]`)?.focus();
}

/** Keep a vote, mix the letters anew, and go on with a track that has none. */
function vote(system) {
  const track = desk.entry.track;
  blind.votes.push({
    track, target: blind.target, system: system ?? "",
    letters: orderOf(track).map((name, number) => `${letter(number)}=${name}`).join(" "), time: new Date().toISOString(),
  });
  blind.orders.delete(`${track}/${blind.target}`);
  const done = new Set(blind.votes.filter((one) => one.target === blind.target).map((one) => one.track));
  const next = page.listening.find((entry) => !done.has(entry.track));
  say(next ? "Vote counted. The next track" : "Vote counted. All tracks have a vote");
  player.pause();
  desk.wanted = null;
  if (next) open(next);
  else showResult();
}

/** What a vote was for, told apart also where variants share a title. */
function votedFor(system) {
  if (!system) return "No difference";
  const { title } = systems.get(system);
  return page.systems.some((one) => one.title === title && one.name !== system) ? `${title} (${system})` : title;
}

function showResult() {
  player.pause();
  setBlind(false);
  desk.blind.checked = false;
  const counts = [...page.ranked, ""].map((system) => [votedFor(system), blind.votes.filter((one) => one.system === system).length]);
  const rows = counts.sort((a, b) => b[1] - a[1]).map(([name, count]) => make("tr", {}, make("th", { scope: "row", text: name }),
    make("td", {}, make("meter", { min: 0, max: blind.votes.length, value: String(count), "aria-label": `${name}: ${count} votes` }), ` ${count}`)));
  desk.votes.hidden = false;
  desk.votes.replaceChildren(
    make("p", {}, make("strong", { text: `Result of ${blind.votes.length} blind vote${blind.votes.length > 1 ? "s" : ""}` })),
    make("table", { class: "votes" }, make("tbody", {}, ...rows)),
    make("ul", {}, ...blind.votes.map((one) => make("li", { text: `${one.track}, ${one.target}: ${votedFor(one.system)}` }))),
    make("div", { class: "row" },
      make("button", { type: "button", class: "main", text: "Download the votes (CSV)", click: () => download("blind-votes.csv", votesCsv(), "text/csv") }),
      make("button", { type: "button", text: "Start again", click: () => { blind.votes = []; desk.blind.checked = true; setBlind(true); } })));
  desk.votes.querySelector("button").focus();
}

function votesCsv() {
  const quoted = (text) => `"${String(text).replaceAll('"', '""')}"`;
  const names = ["track", "target", "system", "letters", "time"];
  return [names.join(","), ...blind.votes.map((one) => names.map((name) => quoted(one[name])).join(","))].join("\r\n") + "\r\n";
}
