// Slack's Block Kit, as far as a bot that converses in text uses it.

import { el } from "./dom.js";
import { dialects, render } from "./markdown.js";
import { decode, link } from "./inline.js";

const most = 50; // blocks of a message

/** Renders a message's blocks, or nothing if it has none that can be shown. */
export function renderBlocks(json, names) {
  let blocks;
  try {
    blocks = JSON.parse(json);
  } catch {
    return null;
  }
  if (!Array.isArray(blocks)) return null;
  const nodes = blocks.slice(0, most).map((b) => one(b, names)).filter(Boolean);
  return nodes.length ? el("div", { class: "blocks" }, ...nodes) : null;
}

const text = (t, names) =>
  typeof t?.text !== "string" ? null
    : t.type === "mrkdwn" ? render(t.text, dialects.mrkdwn, names)
    : el("div", { class: "md" }, el("p", {}, decode(t.text)));

function one(b, names) {
  switch (b?.type) {
    case "markdown":
      return typeof b.text === "string" ? render(b.text, dialects.markdown, names) : null;
    case "section": {
      const fields = Array.isArray(b.fields) ? b.fields.map((f) => text(f, names)).filter(Boolean) : [];
      return el("div", { class: "section" }, text(b.text, names), fields.length > 0 && el("div", { class: "fields" }, ...fields));
    }
    case "header":
      return typeof b.text?.text === "string" ? el("p", { class: "block-header" }, b.text.text) : null;
    case "divider":
      return el("hr");
    case "context":
      return el("div", { class: "context" }, ...(Array.isArray(b.elements) ? b.elements.map((e) => text(e, names)).filter(Boolean) : []));
    case "rich_text":
      return el("div", { class: "md" }, ...(Array.isArray(b.elements) ? b.elements.map((e) => rich(e, names, 0)).filter(Boolean) : []));
    default:
      return null;
  }
}

const tags = { rich_text_section: "p", rich_text_quote: "blockquote", rich_text_list: "ul" };

function rich(e, names, depth) {
  if (!e || depth > 4) return null;
  const inner = () => (Array.isArray(e.elements) ? e.elements.map((c) => rich(c, names, depth + 1)).filter(Boolean) : []);
  if (e.type === "rich_text_preformatted") return el("div", { class: "code" }, el("pre", {}, el("code", {}, ...inner())));
  if (e.type === "rich_text_list") return el(e.style === "ordered" ? "ol" : "ul", {}, ...inner().map((p) => el("li", {}, p)));
  if (tags[e.type]) return el(tags[e.type], {}, ...inner());
  let node = document.createTextNode(String(e.text ?? e.name ?? ""));
  if (e.type === "link") node = link(String(e.url ?? ""), String(e.text ?? e.url ?? ""));
  if (e.type === "user") node = el("span", { class: "mention" }, "@" + (names.user(e.user_id) || e.user_id));
  if (e.style?.code) node = el("code", {}, node);
  if (e.style?.bold) node = el("strong", {}, node);
  if (e.style?.italic) node = el("em", {}, node);
  if (e.style?.strike) node = el("s", {}, node);
  return node;
}
