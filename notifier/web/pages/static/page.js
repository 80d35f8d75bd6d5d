// The open page: makes it like a newer one of the same address, and says to a screen reader what matters.

import { morph } from "./morph.js";

const SAY_MS = 3_000;
const LEAST_MS = 1_000;
const MOST_MS = 120_000;
const SHARE = 100; // in the long run, reading takes a hundredth of the time, divided by the number of open pages
const BURST = 3; // so often may the page read itself at once
const SPREAD_MS = 20; // so far apart do open pages read themselves

export const main = document.querySelector("main");
export const known = {
  lastId: document.documentElement.dataset.lastId ?? "", // the last change that the page shows
  pages: 1, // how many are open
  live: false, // whether the stream is open
};

let again = 0; // the timer of the next time that the page reads itself
let reading = false;
let allowance = BURST;
let pause = LEAST_MS; // in which the allowance grows by one
let ended = performance.now(); // the last reading
let held = false; // a change waits until the user's selection ends

// Adds an element whose text is announced when it changes.
export function region(id) {
  const element = Object.assign(document.createElement("p"), { id });
  element.setAttribute("role", "status");
  (document.querySelector("footer") ?? document.body).prepend(element);
  return element;
}

const voice = region("announcements");
voice.className = "hide";
const unsaid = [];
let voiced = 0;

// Announces a text politely; what comes within a few seconds is announced together.
export function say(text) {
  if (text) unsaid.push(text);
  if (voiced || !unsaid.length) return;
  voice.textContent = unsaid.splice(0).join(". ");
  voiced = setTimeout(() => { voiced = 0; say(""); }, SAY_MS);
}

// Makes an element like another one; what the user has selected waits.
export function update(element, fresh) {
  if (!morph(element, fresh)) held = true;
}

// Keeps the answer that a row shows, such as that of a test of a channel.
function keepAnswers(fresh) {
  for (const each of main.querySelectorAll("[data-key] > .message")) {
    const row = fresh.querySelector(`[data-key="${CSS.escape(each.parentElement.dataset.key)}"]`);
    if (row && !row.querySelector(":scope > .message")) row.append(each.cloneNode(true));
  }
}

// Makes the page like a document of the same address. The answer to an action stays until another one comes.
export function apply(doc, { answer = false } = {}) {
  const fresh = doc.querySelector("main");
  const message = main.querySelector(":scope > .message");
  if (message && !answer && !fresh.querySelector(":scope > .message")) fresh.prepend(message.cloneNode(true));
  if (!answer) keepAnswers(fresh);
  const focused = document.activeElement;
  held = false;
  update(main, fresh);
  if (!focused.isConnected) main.focus({ preventScroll: true });
  document.title = doc.title;
  known.lastId = doc.documentElement.dataset.lastId ?? known.lastId;
  const asOf = doc.getElementById("as-of");
  if (asOf) update(document.getElementById("as-of"), asOf);
}

// Has the page read itself, at once if it has not done so for a while.
export function readSoon(failed) {
  if (again || document.hidden) return;
  const passed = performance.now() - ended;
  const wait = Math.max(LEAST_MS, (1 - allowance) * pause) - passed;
  const spread = Math.random() * Math.min((known.pages - 1) * SPREAD_MS, LEAST_MS);
  again = setTimeout(() => read(failed), Math.max(0, wait, spread));
}

async function read(failed) {
  again = 0;
  if (reading) return;
  reading = true;
  const began = performance.now();
  try {
    const url = new URL(location.href);
    url.searchParams.delete("message");
    const response = await fetch(url.pathname + url.search, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (response.status > 501) throw new TypeError(response.statusText); // a proxy without a connection to the notifier
    const doc = new DOMParser().parseFromString(await response.text(), "text/html");
    if (new URL(response.url).pathname !== location.pathname) {
      failed("you are signed out. Reload the page to sign in.");
    } else if (doc.querySelector("main") && (response.ok || response.status === 404)) {
      apply(doc);
    } else {
      failed("the notifier could not make this page. Reload it to see why.");
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Without a connection the stream says so, and has the page read itself later.
    if (known.live) setTimeout(() => readSoon(failed), LEAST_MS * (1 + 2 * Math.random()));
  } finally {
    reading = false;
    const now = performance.now();
    allowance = Math.min(BURST, allowance + (now - ended) / pause) - 1;
    pause = Math.min(MOST_MS, Math.max(LEAST_MS, (now - began) * known.pages * SHARE));
    ended = now;
  }
}

document.addEventListener("selectionchange", () => {
  if (held && document.getSelection()?.isCollapsed) {
    held = false;
    readSoon(() => {});
  }
});
