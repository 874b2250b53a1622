// A list of things to do that opens beside a button.

import { el } from "./dom.js";

/** Opens a list of things to do beside a button. items: {label, detail, act} or {heading}. */
export function popup(root, anchor, items, look = "") {
  root.querySelector(".popup")?.dispatchEvent(new Event("close"));
  const gone = new AbortController();
  const close = () => (gone.abort(), node.remove());
  const node = el("div", { class: "popup " + look, role: "menu", dataset: { testid: "popup" } }, ...items.map((i) =>
    i.heading ? el("p", { class: "popup-heading" }, i.heading)
      : el("button", { type: "button", role: "menuitem", title: i.title, "aria-label": i.title, dataset: { testid: "popup-item" }, on: { click: () => (close(), i.act()) } }, i.label, i.detail && el("small", {}, i.detail))));
  node.addEventListener("close", close);
  root.append(node);
  const frame = root.getBoundingClientRect();
  const at = anchor.getBoundingClientRect();
  const below = at.bottom - frame.top + 4;
  const above = at.top - frame.top - node.offsetHeight - 4;
  const top = below + node.offsetHeight < frame.height ? below : above;
  node.style.top = Math.max(4, Math.min(top, frame.height - node.offsetHeight - 4)) + "px";
  node.style.left = Math.max(4, Math.min(at.right - node.offsetWidth, frame.right - node.offsetWidth - 8) - frame.left) + "px";
  node.querySelector("button")?.focus();
  const { signal } = gone;
  document.addEventListener("pointerdown", (e) => !node.contains(e.target) && close(), { signal });
  node.addEventListener("keydown", (e) => {
    const all = [...node.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[e.key];
    if (step) all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
    else if (e.key === "Escape") (close(), anchor.focus());
    else return;
    e.preventDefault();
    e.stopPropagation();
  }, { signal });
}
