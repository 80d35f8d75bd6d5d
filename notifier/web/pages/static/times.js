// Keeps the relative times of a page true: "3 min ago" ticks in the browser, in the words of pages/formats.py.

const SIZES = [[86_400, "d", 3_600, "h"], [3_600, "h", 60, "min"], [60, "min", 1, "s"]];
const FAR = 30 * 86_400;
const SKEW_MS = 5_000;

// The difference to the server's clock: a browser whose clock is wrong shows true times, too.
function skew() {
  const asOf = Date.parse(document.getElementById("as-of")?.dateTime ?? "");
  const difference = asOf - Date.now();
  return Math.abs(difference) > SKEW_MS ? difference : 0;
}

const skewed = skew();
let stale = 0; // since when the page has not been live: what was to come then may not come

// Stops the countdowns while the page is not live: they show the time of the clock that was planned.
export function setLive(live) {
  const was = stale;
  stale = live ? 0 : stale || Date.now() + skewed;
  if (Boolean(was) !== Boolean(stale)) tickAll();
}

export function span(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  for (const [size, unit, nextSize, nextUnit] of SIZES) {
    if (whole >= size) {
      const rest = Math.floor((whole % size) / nextSize);
      return rest ? `${Math.floor(whole / size)} ${unit} ${rest} ${nextUnit}` : `${Math.floor(whole / size)} ${unit}`;
    }
  }
  return `${whole} s`;
}

function words(at, now) {
  const passed = (now - at) / 1000;
  const length = Math.abs(passed);
  if (length < 1) return "now";
  if (length > FAR) return new Date(at).toISOString().slice(0, 10);
  const rounded = span(length >= 600 ? 60 * Math.round(length / 60) : length);
  return passed > 0 ? `${rounded} ago` : `in ${rounded}`;
}

function lasting(at, now) {
  const length = Math.max(0, now - at) / 1000;
  return span(length >= 600 ? 60 * Math.round(length / 60) : length);
}

// Writes the time into the element, and only if it differs: what is selected stays selected.
export function tick(element, now = Date.now() + skewed) {
  const at = Date.parse(element.dateTime);
  if (Number.isNaN(at)) return;
  let text = element.dataset.lasting === undefined ? words(at, now) : lasting(at, now);
  if (stale && at > stale) text = `at ${new Date(at).toISOString().slice(11, 19)} UTC`;
  else if (element.dataset.poll === "next" && at <= now) text = "due now";
  const shown = element.firstChild;
  if (shown?.nodeType === Node.TEXT_NODE && !shown.nextSibling) {
    if (shown.data !== text) shown.data = text;
  } else {
    element.textContent = text;
  }
}

function tickAll() {
  if (document.hidden) return;
  const now = Date.now() + skewed;
  for (const element of document.querySelectorAll("time[data-relative]")) tick(element, now);
}

setInterval(tickAll, 1000);
document.addEventListener("visibilitychange", tickAll);
tickAll();
