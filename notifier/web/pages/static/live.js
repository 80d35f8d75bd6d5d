// Keeps the page up to date: listens to /events (web/live), takes the rows that come, and has the page read itself when
// more than rows changed. While it cannot, it says so in words.

import { isSelected } from "./morph.js";
import { known, main, readSoon, region, say, update } from "./page.js";
import { setLive, tick } from "./times.js";

const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
const HIDDEN_MS = 5_000;

const state = region("live");
let source = null;
let failures = 0;
let trying = 0; // the timer of the next try to connect
let hiding = 0; // the timer after which a hidden page disconnects

function show(kind, text) {
  if (state.textContent === text) return;
  state.className = `live live-${kind}`;
  state.textContent = text;
}

function notLive(why) {
  show("off", `Not live: ${why}`);
  setLive(false);
}

// --- What changed ---

const topics = () => (main.dataset.topics ?? "").split(" ").filter(Boolean);
const elementsOf = (topic) => document.querySelectorAll(`[data-key="${CSS.escape(topic)}"]`);
const polledBy = (topic) => document.querySelectorAll(`[data-polls~="${CSS.escape(topic)}"]`);
const concerns = (topic) => topics().includes(topic) || elementsOf(topic).length > 0;

function takeRow(topic, html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const row = holder.content.firstElementChild;
  for (const element of elementsOf(topic)) {
    if (element.localName === row?.localName) update(element, row);
  }
}

function takePolls(topic, [last, next]) {
  for (const element of polledBy(topic)) {
    if (isSelected(element)) continue;
    for (const [which, at] of [["last", last], ["next", next]]) {
      const time = at && element.querySelector(`time[data-poll="${which}"]`);
      if (!time) continue;
      time.dateTime = at;
      time.title = at.replace("T", " ").replace("Z", " UTC");
      tick(time);
    }
  }
}

function changed(data) {
  for (const [topic, html] of Object.entries(data.rows ?? {})) takeRow(topic, html);
  for (const [topic, times] of Object.entries(data.polled ?? {})) takePolls(topic, times);
  const said = Object.entries(data.said ?? {}).filter(([topic]) => concerns(topic) || topics().includes("watches"));
  for (const [, text] of said) say(text);
  if (said.length && data.unsaid) say(`and ${data.unsaid} more`);
  if (data.topics.some(concerns)) readSoon(notLive);
}

// --- The stream ---

function heard(event) {
  const data = JSON.parse(event.data);
  known.lastId = event.lastEventId || known.lastId;
  known.pages = data.pages ?? known.pages;
  return data;
}

function opened(event) {
  failures = 0;
  known.live = true;
  show("on", "Live");
  setLive(true);
  heard(event);
}

function connect() {
  disconnect();
  source = new EventSource(`/events?since=${encodeURIComponent(known.lastId)}`);
  source.addEventListener("hello", opened);
  source.addEventListener("refresh", (event) => { opened(event); readSoon(notLive); });
  source.addEventListener("changed", (event) => changed(heard(event)));
  source.onerror = () => {
    disconnect();
    notLive("no connection to the notifier. Trying again.");
    const pause = BACKOFF_MS[Math.min(failures, BACKOFF_MS.length - 1)];
    failures += 1;
    trying = setTimeout(connect, pause * (0.75 + Math.random() / 2));
    if (failures === 2) readSoon(notLive); // which finds out whether the session has ended
  };
}

function disconnect() {
  clearTimeout(trying);
  known.live = false;
  source?.close();
  source = null;
}

// A browser has six connections for all its tabs: one that is not seen leaves its own to the others.
function seen() {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(disconnect, HIDDEN_MS);
  else if (!source) connect();
}

if (main && globalThis.EventSource) {
  show("starting", "Connecting");
  document.addEventListener("visibilitychange", seen);
  addEventListener("online", () => { failures = 0; connect(); });
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => { if (event.persisted) seen(); });
  seen();
}
