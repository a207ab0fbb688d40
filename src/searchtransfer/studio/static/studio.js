// SPDX-License-Identifier: Apache-2.0
// The page: it sends what the visitor does, and shows the pieces that the server sends. It decides nothing.

const find = (id) => document.getElementById(id);
const state = { base: "", change: 0, running: false, run: 0, outcomes: [], pages: {}, shown: 0 };

const post = async (what, body = {}) => {
  try {
    const answer = await fetch(state.base + what, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    return await answer.json();
  } catch {
    return { message: "The server does not answer: it has ended, or the connection is broken." };
  }
};

const complain = ({ message, id }) => {
  const box = document.createElement("div");
  box.className = "st-note st-fault st-complaint";
  box.setAttribute("role", "alert");
  const words = document.createElement("p");
  words.textContent = message + (id ? ` (number in the log: ${id})` : "");
  box.append(words);
  find("status").replaceChildren(box);
};

// ---- entering, and hearing what changes

async function enter() {
  const reply = await post("/studio/enter");
  if (!reply.token) return complain(reply);
  state.base = `/studio/${reply.token}/`;
  find("inputs").append(find("form").content.cloneNode(true));
  for (const drop of document.querySelectorAll("st-drop")) {
    drop.dataset.url = state.base + drop.dataset.kind;
    drop.dataset.base = state.base;
  }
  find("start").hidden = false;
  find("example").addEventListener("click", async () => {
    const answer = await post("example");
    if (answer.message) complain(answer);
  });
  find("inputs").addEventListener("change", (event) => {
    if (event.target.type !== "file") settle();
  });
  find("inputs").addEventListener("submit", (event) => event.preventDefault());
  const source = new EventSource(`${state.base}events`);
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) {
      complain({ message: "This page is no longer connected; reload it." });
    }
  };
}

// Choices are numbered: what the server shows of earlier ones undoes no later click.
const settle = () => post("settings", {
  change: ++state.change,
  model: document.querySelector("[name=model]:checked")?.value,
  scale: Number(document.querySelector("[name=scale]:checked")?.value),
  reduce: find("reduce").checked,
  look: document.querySelector("[name=look]:checked")?.value,
});

// ---- showing

const drop = (kind) => document.querySelector(`st-drop[data-kind=${kind}]`);

const shows = {
  accepted: (accepted) => { for (const each of document.querySelectorAll("st-drop")) each.accept(accepted); },
  small: (html) => fill(drop("small").querySelector(".st-files"), html),
  reference: (html) => fill(drop("reference").querySelector(".st-files"), html),
  titles: ([title, hint]) => drop("small").entitle(title, hint),
  models: (choices) => choose("model", choices),
  scales: (choices) => choose("scale", choices),
  looks: (choices) => choose("look", choices),
  settings: (settings) => {
    if (settings.change < state.change) return;
    for (const name of ["model", "scale", "look"]) {
      const input = document.querySelector(`[name=${name}][value="${settings[name]}"]`);
      if (input) input.checked = true;
    }
    find("reduce").checked = settings.reduce;
  },
  forecast: (html) => fill(find("forecast"), html),
  status: (html) => fill(find("status"), html),
  stale: (is) => {
    find("stale").hidden = !is;
    for (const id of ["outcomes", "pages"]) find(id).classList.toggle("st-stale", is);
  },
  all: (html) => fill(find("all"), html),
  run: (run) => {
    if (run === state.run) return; // said again, since the connection was broken for a moment
    Object.assign(state, { run, shown: 0, outcomes: [], pages: {} });
    for (const old of document.querySelectorAll(".st-complaint")) old.remove();
    for (const each of document.querySelectorAll("st-drop")) each.say("");
    for (const id of ["outcomes", "strip", "pages"]) find(id).replaceChildren();
    arrange();
  },
  outcomes: (outcomes) => {
    for (const html of outcomes.slice(state.outcomes.length)) addOutcome(html);
    state.outcomes = outcomes;
    arrange();
  },
  pages: (pages) => {
    for (const [number, html] of Object.entries(pages)) {
      if (number in state.pages) continue;
      const page = document.createElement("div");
      page.dataset.number = number;
      page.innerHTML = html;
      find("pages").append(page);
    }
    state.pages = pages;
    arrange();
  },
  running: (running) => run(running),
};

// What is there already stays as it is: nobody loses the button that he is about to press.
function fill(box, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const wanted = [...template.content.childNodes];
  for (const old of [...box.childNodes]) {
    const same = wanted.findIndex((node) => node.isEqualNode(old));
    if (same < 0) old.remove(); else wanted[same] = old;
  }
  let place = box.firstChild;
  for (const node of wanted) {
    if (node === place) place = place.nextSibling; else box.insertBefore(node, place);
  }
}

function show(pieces) {
  // A new run empties the page before its pieces are filled in; settings come behind choices.
  const order = ["models", "scales", "looks", "settings", "run"];
  const names = [...order, ...Object.keys(pieces).filter((name) => !order.includes(name))];
  for (const name of names) if (name in pieces) shows[name]?.(pieces[name]);
}

function choose(name, choices) {
  const box = find(`${name}s`);
  for (const { value, label, hint, reason } of choices) {
    let input = box.querySelector(`[value="${value}"]`);
    if (!input) {
      const row = document.createElement("label");
      row.innerHTML = `<input type="radio" name="${name}"> <span><span></span><span class="st-hint"></span></span>`;
      input = row.querySelector("input");
      input.value = value;
      row.querySelector("span > span").textContent = label;
      box.append(row);
    }
    input.disabled = Boolean(reason);
    const words = input.parentElement.querySelector(".st-hint");
    words.textContent = reason || hint;
    input.parentElement.title = reason;
  }
}

function addOutcome(html) {
  const number = find("outcomes").children.length;
  const outcome = document.createElement("article");
  outcome.dataset.number = number;
  outcome.innerHTML = html;
  const compare = outcome.querySelector("st-compare");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.number = number;
  const picture = new Image();
  picture.src = outcome.querySelector("img[data-label=Result]").src;
  picture.alt = "";
  button.append(picture, compare.dataset.name);
  find("strip").append(button);
  find("outcomes").append(outcome);
}

function arrange() {
  const many = find("outcomes").children.length;
  find("welcome").hidden = many > 0 || state.running;
  find("coming").hidden = many > 0 || !state.running;
  find("strip").hidden = many < 2;
  for (const id of ["outcomes", "pages"]) {
    for (const child of find(id).children) child.hidden = Number(child.dataset.number) !== state.shown;
  }
  for (const button of find("strip").children) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.number) === state.shown));
  }
  find("no-inspector").hidden = state.shown in state.pages;
}

// Whoever pressed one of the two buttons by keyboard stays at the one that took its place.
function run(running) {
  const [start, cancel] = [find("start"), find("cancel")];
  state.running = running;
  const away = running ? start : cancel, there = running ? cancel : start;
  const follows = document.activeElement === away || document.activeElement === document.body && state.pressed;
  cancel.hidden = !running;
  start.disabled = running;
  cancel.disabled = false;
  if (follows) there.focus();
  state.pressed = running && state.pressed;
  arrange();
}

// ---- what the visitor does

find("start").addEventListener("click", async () => {
  state.pressed = true;
  await settle();
  const answer = await post("start");
  if (answer.message) { state.pressed = false; complain(answer); }
});
find("cancel").addEventListener("click", () => { find("cancel").disabled = true; state.pressed = true; post("cancel"); });
find("strip").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) { state.shown = Number(button.dataset.number); arrange(); }
});

const TABS = ["upscale", "inspector"];
function turn(to, focus = false) {
  for (const name of TABS) {
    const tab = find(`tab-${name}`);
    tab.setAttribute("aria-selected", String(name === to));
    tab.tabIndex = name === to ? 0 : -1;
    find(name).hidden = name !== to;
    if (focus && name === to) tab.focus();
  }
}
for (const name of TABS) {
  find(`tab-${name}`).addEventListener("click", () => turn(name));
  find(`tab-${name}`).addEventListener("keydown", (event) => {
    if (["ArrowLeft", "ArrowRight"].includes(event.key)) turn(TABS.find((x) => x !== name), true);
  });
}
document.addEventListener("click", (event) => {
  const to = event.target.dataset?.go;
  if (to) { turn(to, true); scrollTo(0, 0); }
});

// A file that is dropped beside a zone is not opened by the browser: it goes where one is missing.
const place = () => (drop("small").querySelector("li") ? drop("reference") : drop("small"));
const zone = (event) => event.target.closest?.("st-drop") ?? (drop("small") && place());
// Frames get nothing that is dragged over them: it goes to the page around.
const mark = (at) => {
  document.body.classList.toggle("st-dragging", at !== null);
  for (const x of document.querySelectorAll("st-drop")) x.classList.toggle("st-over", x === at);
};
const give = (to, files) => { turn("upscale"); to?.send(files); };
for (const type of ["dragenter", "dragover"]) {
  addEventListener(type, (event) => { event.preventDefault(); mark(zone(event)); });
}
addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(null); });
addEventListener("drop", (event) => {
  event.preventDefault();
  mark(null);
  const files = [...(event.dataTransfer?.files ?? [])];
  if (files.length) give(zone(event), files);
});
addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length) give(document.activeElement?.closest("st-drop") ?? (drop("small") && place()), files);
});

// The inspector, which reaches nothing of this page, says how high it is, and that files are over it.
addEventListener("message", (event) => {
  if (event.data?.inspectorDragged) document.body.classList.add("st-dragging");
  const height = Number(event.data?.inspectorHeight);
  if (!(height > 0)) return;
  for (const frame of document.querySelectorAll("iframe")) {
    if (frame.contentWindow === event.source) frame.style.height = `${Math.min(height, 20000)}px`;
  }
});

enter();
