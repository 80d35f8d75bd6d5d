// Makes a part of the page like another one, by the smallest changes: what did not change is not touched, so that focus,
// scroll position, open details, selected text and typed text stay, and nothing flickers.

import { tick } from "./times.js";

const keyOf = (node) => node.dataset?.key || node.id || "";

// Whether the user has selected text in it.
export function isSelected(node) {
  const selection = document.getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(node, true));
}

// Whether the user has changed the value of a field.
function isTyped(field) {
  if (field === document.activeElement) return true;
  if (field.localName === "select") return [...field.options].some((each) => each.selected !== each.defaultSelected);
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

// What a script or the user has set stays: open details, and buttons that a script shows.
const isKept = (element, name) => name === "open" || (name === "hidden" && element.localName === "button");

function copyAttributes(from, to) {
  for (const { name, value } of [...to.attributes]) {
    if (!isKept(from, name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!isKept(from, name) && !to.hasAttribute(name)) from.removeAttribute(name);
  }
}

// Moves a node without losing focus, where the browser can.
function put(parent, node, before) {
  if (parent.moveBefore && node.isConnected) parent.moveBefore(node, before);
  else parent.insertBefore(node, before);
}

// Makes `from` like `to`. Returns whether all of it could be done: an element with selected text waits.
export function morph(from, to) {
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.nodeValue !== to.nodeValue) from.nodeValue = to.nodeValue;
    return true;
  }
  if (from.isEqualNode(to)) return true;
  if (from.dataset.key && isSelected(from)) return false;
  if (from.matches("input, textarea, select") && isTyped(from)) return true;
  copyAttributes(from, to);
  if (from.matches("time[data-relative]")) {
    tick(from);
    return true;
  }
  return morphChildren(from, to);
}

function firstKeyed(node) {
  while (node && !keyOf(node)) node = node.nextSibling;
  return node;
}

function morphChildren(from, to) {
  const fresh = [...to.childNodes];
  const wanted = new Set(fresh.map(keyOf).filter(Boolean));
  const keyed = new Map([...from.childNodes].filter(keyOf).map((node) => [keyOf(node), node]));
  const kept = new Set(); // selected, and therefore not moved
  let next = from.firstChild;
  const isGone = (node, rest) => keyOf(node)
    ? !wanted.has(keyOf(node))
    : rest.every((each) => keyOf(each) || each.nodeName !== node.nodeName);
  const drop = () => {
    const gone = next;
    next = next.nextSibling;
    if (!kept.has(gone)) gone.remove();
  };
  let whole = true;
  fresh.forEach((child, index) => {
    const key = keyOf(child);
    while (next && isGone(next, fresh.slice(index))) drop();
    const match = key ? keyed.get(key) : next;
    if (key && match && match === firstKeyed(next)) while (next !== match) drop();
    if (!match || match.nodeName !== child.nodeName || keyOf(match) !== key) {
      from.insertBefore(document.importNode(child, true), next);
    } else if (match === next) {
      next = next.nextSibling;
      whole = morph(match, child) && whole;
    } else if (isSelected(match)) {
      kept.add(match);
      whole = false;
    } else {
      put(from, match, next);
      whole = morph(match, child) && whole;
    }
  });
  while (next) drop();
  return whole;
}
