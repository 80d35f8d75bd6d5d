// Shows the buttons that copy ids, where the browser can copy. Without this script an id is selected by one click.
"use strict";

(() => {
  if (!navigator.clipboard) return;
  const reveal = (root) => {
    for (const button of root.querySelectorAll("button.copy[hidden]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    const label = button.getAttribute("aria-label");
    button.setAttribute("aria-label", label.replace(/^Copy/, "Copied"));
    setTimeout(() => {
      button.classList.remove("copied");
      button.setAttribute("aria-label", label);
    }, 1500);
  });
  reveal(document);
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) if (node.nodeType === Node.ELEMENT_NODE) reveal(node.parentElement ?? node);
    }
  }).observe(document.body, { childList: true, subtree: true });
})();
