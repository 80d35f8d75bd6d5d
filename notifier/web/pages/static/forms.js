// Sends the forms of actions without loading the page anew. Without this script they are plain forms.

import { apply, main, say } from "./page.js";

const sending = new WeakSet();

// Shows an answer that is no page, in place of the last one.
function answer(text) {
  main.querySelector(":scope > .message")?.remove();
  const box = Object.assign(document.createElement("div"), { className: "message tone-bad" });
  box.append(Object.assign(document.createElement("p"), { textContent: text }));
  main.prepend(box);
  say(text);
}

// Says the answer of the page, and moves to it if the button is gone.
function announce(focused) {
  const message = main.querySelector(":scope > .message");
  if (!message) return;
  say(message.textContent.trim());
  if (focused.isConnected) return;
  message.tabIndex = -1;
  message.focus();
}

async function send(form, submitter) {
  const focused = document.activeElement;
  let response;
  try {
    response = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form, submitter)),
      headers: { Accept: "text/html" },
    });
  } catch {
    answer("Not done: there is no connection to the notifier. Try again when the page is live.");
    return;
  }
  const text = await response.text();
  if (!response.headers.get("Content-Type")?.startsWith("text/html")) {
    answer(`Not done: ${text.trim() || response.statusText}`);
    return;
  }
  const doc = new DOMParser().parseFromString(text, "text/html");
  if (!doc.querySelector("main") || new URL(response.url).pathname !== location.pathname) {
    location.assign(response.url); // another page, such as the sign-in
    return;
  }
  apply(doc, { answer: true });
  announce(focused);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  const own = new URL(form.action).origin === location.origin;
  if (form.method !== "post" || !own || !main.contains(form) || form.matches("[data-plain]")) return;
  event.preventDefault();
  if (sending.has(form)) return;
  sending.add(form);
  form.setAttribute("aria-busy", "true");
  send(form, event.submitter).finally(() => {
    sending.delete(form);
    form.removeAttribute("aria-busy");
  });
});
