// Slack's Block Kit, as far as a bot that converses in text uses it.

import { el } from "./dom.js";
import { dialects, render } from "./markdown.js";
import { decode, link } from "./inline.js";
import { element } from "./slackelements.js";
import { plan, task } from "./slackparts.js";

const most = 100; // blocks of a message or view

/**
 * Renders the blocks of a message, as JSON, or of a view; nothing if there is none that
 * can be shown. With an actor (see slackelements.js) people can act on them; errors are
 * words by block_id.
 */
export function renderBlocks(blocks, names, actor, people, errors = {}) {
  if (typeof blocks === "string") {
    try {
      blocks = JSON.parse(blocks);
    } catch {
      return null;
    }
  }
  if (!Array.isArray(blocks)) return null;
  const nodes = blocks.slice(0, most).map((b) => one(b, names, actor, people, errors)).filter(Boolean);
  return nodes.length ? el("div", { class: "blocks" }, ...nodes) : null;
}

const text = (t, names) =>
  typeof t?.text !== "string" ? null
    : t.type === "mrkdwn" ? render(t.text, dialects.mrkdwn, names)
    : el("div", { class: "md" }, el("p", {}, decode(t.text)));

function one(b, names, actor, people, errors) {
  const active = (list) => (Array.isArray(list) ? list.map((e) => element(e, b.block_id, actor, people)).filter(Boolean) : []);
  switch (b?.type) {
    case "markdown":
      return typeof b.text === "string" ? render(b.text, dialects.markdown, names) : null;
    case "section": {
      const fields = Array.isArray(b.fields) ? b.fields.map((f) => text(f, names)).filter(Boolean) : [];
      return el("div", { class: b.accessory ? "section with-accessory" : "section" },
        el("div", {}, text(b.text, names), fields.length > 0 && el("div", { class: "fields" }, ...fields)), ...active(b.accessory && [b.accessory]));
    }
    case "actions": {
      const nodes = active(b.elements);
      return nodes.length ? el("div", { class: "bk-actions" }, ...nodes) : null;
    }
    case "context_actions": {
      const nodes = active(b.elements);
      return nodes.length ? el("div", { class: "bk-actions context-actions" }, ...nodes) : null;
    }
    case "input": {
      const label = typeof b.label?.text === "string" ? b.label.text : "";
      const wrong = errors[b.block_id];
      const nodes = active(b.element && [b.element]);
      for (const n of nodes) if (!n.matches("input, select, textarea")) n.setAttribute("aria-label", label);
      return el("div", { class: "bk-field" + (wrong ? " wrong" : "") },
        el(nodes[0]?.matches("input, select, textarea") ? "label" : "div", { class: "bk-label" }, el("b", {}, label, b.optional && el("small", {}, " (optional)")), ...nodes),
        wrong && el("p", { class: "composer-error", role: "alert", dataset: { testid: "field-error" } }, wrong),
        b.hint && el("small", {}, b.hint.text));
    }
    case "task_card":
      return task(b, (r) => one(r, names));
    case "plan":
      return plan(b, (r) => one(r, names));
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
