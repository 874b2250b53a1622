// Inline Markdown → DOM nodes, in the three dialects that the chats speak.

import { el } from "./dom.js";

/**
 * The dialects. marks: delimiter → element, longest first. bounded: delimiters that
 * open and close only at the edges of words. entities: &lt; &gt; &amp; stand for
 * characters. tokens: which angle-bracket tokens are read.
 */
export const dialects = {
  // Slack's "markdown" block: standard Markdown, with Slack's tokens alive in it.
  markdown: {
    name: "markdown", marks: { "**": "strong", "__": "strong", "~~": "s", "*": "em", _: "em" },
    bounded: "_", links: true, entities: true, escapes: true, tokens: "slack",
  },
  mrkdwn: {
    name: "mrkdwn", marks: { "*": "strong", _: "em", "~": "s" },
    bounded: "*_~", links: false, entities: true, escapes: false, tokens: "slack",
  },
  discord: {
    name: "discord", marks: { "**": "strong", __: "u", "~~": "s", "||": "spoiler", "*": "em", _: "em" },
    bounded: "_", links: true, entities: false, escapes: true, tokens: "discord",
  },
};

const deepest = 12;
const word = /[\p{L}\p{N}]/u;
const space = /\s/;
const punctuation = /[!-/:-@[-`{-~]/;
const entities = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

export const decode = (s) => s.replace(/&(?:lt|gt|amp);/g, (e) => entities[e]);

/** Makes a link, or only its label where the address is none that is safe to follow. */
export function link(address, ...label) {
  let url;
  try {
    url = new URL(address);
  } catch {
    url = null;
  }
  if (!url || !["http:", "https:", "mailto:"].includes(url.protocol)) return el("span", {}, ...label);
  return el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow", title: url.href }, ...label);
}

/** Turns text into nodes. names: {user(id), channel(id)} → a name, or nothing. */
export function inline(text, dialect, names, depth = 0) {
  const out = document.createDocumentFragment();
  const never = new Set(); // delimiters that do not close any more
  let plain = "";
  let i = 0;
  const flush = () => {
    if (plain) out.append(plain);
    plain = "";
  };
  const put = (node, next) => {
    flush();
    out.append(node);
    i = next;
  };
  while (i < text.length) {
    const c = text[i];
    if (c === "\n") {
      put(el("br"), i + 1);
      continue;
    }
    if (c === "\\" && dialect.escapes && i + 1 < text.length && punctuation.test(text[i + 1])) {
      plain += text[i + 1];
      i += 2;
      continue;
    }
    const found =
      (c === "`" && code(text, i, dialect)) ||
      (c === "<" && token(text, i, dialect, names)) ||
      ((c === "[" || c === "!") && dialect.links && depth < deepest && labelled(text, i, dialect, names, depth)) ||
      (c === "h" && bare(text, i, dialect)) ||
      (c === "@" && broadcast(text, i, dialect)) ||
      (depth < deepest && marked(text, i, dialect, names, depth, never));
    if (found) {
      put(found.node, found.next);
      continue;
    }
    if (c === "&" && dialect.entities) {
      const e = /^&(?:lt|gt|amp);/.exec(text.slice(i, i + 5))?.[0];
      if (e) {
        plain += entities[e];
        i += e.length;
        continue;
      }
    }
    // A run of one character that opens nothing is passed over as a whole.
    let n = 1;
    if (c === "`" || (dialect.name === "mrkdwn" && c in dialect.marks)) while (text[i + n] === c) n++;
    plain += text.slice(i, i + n);
    i += n;
  }
  flush();
  return out;
}

function code(text, at, dialect) {
  let n = 1;
  while (text[at + n] === "`") n++;
  const fence = "`".repeat(n);
  let end = text.indexOf(fence, at + n);
  while (end >= 0 && text[end + n] === "`") {
    while (text[end] === "`") end++;
    end = text.indexOf(fence, end);
  }
  if (end < 0) return null;
  let body = text.slice(at + n, end).replaceAll("\n", " ");
  if (body.length > 2 && body.startsWith(" ") && body.endsWith(" ") && body.trim()) body = body.slice(1, -1);
  if (dialect.name === "mrkdwn") body = decode(body);
  return { node: el("code", {}, body), next: end + n };
}

function pill(sign, name, loud) {
  return el("span", { class: "mention" + (loud ? " loud" : "") }, sign + name);
}

// <@U1>, <#C1|general>, <!here>, <https://…|label>; on Discord <@1>, <#1>, <t:1:R>, <https://…>
function token(text, at, dialect, names) {
  const end = text.indexOf(">", at);
  if (end < 0 || end - at > 2048) return null;
  const body = text.slice(at + 1, end);
  const next = end + 1;
  if (!body || body.includes("<") || body.includes("\n")) return null;
  if (dialect.tokens === "slack") {
    const bar = body.indexOf("|");
    const key = bar < 0 ? body : body.slice(0, bar);
    const label = bar < 0 ? "" : decode(body.slice(bar + 1));
    const who = /^@([UW][A-Z0-9]+)$/.exec(key);
    if (who) return { node: pill("@", names.user(who[1]) || label || who[1]), next };
    const where = /^#([CG][A-Z0-9]+)$/.exec(key);
    if (where) return { node: pill("#", names.channel(where[1]) || label || where[1]), next };
    const all = /^!(here|channel|everyone)$/.exec(key);
    if (all) return { node: pill("@", all[1], true), next };
    if (key.startsWith("!")) return { node: document.createTextNode(label || key.slice(1)), next };
    if (/^(https?:\/\/|mailto:)/i.test(key)) {
      const address = decode(key);
      return { node: link(address, label || address.replace(/^mailto:/i, "")), next };
    }
    return null;
  }
  const who = /^@!?(\d+)$/.exec(body);
  if (who) return { node: pill("@", names.user(who[1]) || "unknown-user"), next };
  const where = /^#(\d+)$/.exec(body);
  if (where) return { node: pill("#", names.channel(where[1]) || "unknown"), next };
  const when = /^t:(-?\d{1,13})(?::[tTdDfFR])?$/.exec(body);
  if (when) {
    const date = new Date(Number(when[1]) * 1000);
    if (!isNaN(date)) return { node: el("time", { datetime: date.toISOString(), class: "stamp" }, date.toLocaleString()), next };
  }
  if (/^https?:\/\//i.test(body)) return { node: link(body, body), next };
  return null;
}

// [label](address "title"); a picture becomes a link, as nothing from elsewhere is loaded
function labelled(text, at, dialect, names, depth) {
  const picture = text[at] === "!";
  const open = picture ? at + 1 : at;
  if (text[open] !== "[") return null;
  let level = 0;
  let close = -1;
  const far = Math.min(text.length, open + 1000);
  for (let i = open; i < far; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "[") level++;
    else if (text[i] === "]" && --level === 0) {
      close = i;
      break;
    }
  }
  if (close < 0 || text[close + 1] !== "(") return null;
  const target = /^\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\([^\s()]*\))*))(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)/.exec(text.slice(close + 1, close + 2100));
  if (!target) return null;
  let address = target[1] ?? target[2];
  if (dialect.entities) address = decode(address);
  const label = text.slice(open + 1, close);
  if (!label && !picture) return null;
  const inner = picture ? label || address : inline(label, { ...dialect, links: false }, names, depth + 1);
  return { node: link(address, inner), next: close + 1 + target[0].length };
}

function bare(text, at, dialect) {
  if (at > 0 && word.test(text[at - 1])) return null;
  let url = /^https?:\/\/[^\s<>`|"\\]+/i.exec(text.slice(at, at + 2048))?.[0];
  if (!url) return null;
  url = url.replace(/(?:&gt;|&lt;).*$/, "").replace(/[.,;:!?'"*_~\]]+$/, "");
  while (url.endsWith(")") && url.split(")").length > url.split("(").length) url = url.slice(0, -1);
  const address = dialect.entities ? decode(url) : url;
  return { node: link(address, address), next: at + url.length };
}

function broadcast(text, at, dialect) {
  if (dialect.tokens !== "discord") return null;
  const all = /^@(everyone|here)\b/.exec(text.slice(at, at + 10));
  return all && { node: pill("@", all[1], true), next: at + all[0].length };
}

function marked(text, at, dialect, names, depth, never) {
  for (const [mark, tag] of Object.entries(dialect.marks)) {
    if (!text.startsWith(mark, at) || never.has(mark)) continue;
    const from = at + mark.length;
    if (from >= text.length || (tag !== "spoiler" && space.test(text[from]))) continue;
    if (dialect.name === "mrkdwn" && text[from] === mark) continue; // **no sign of Slack's**
    const bounded = dialect.bounded.includes(mark[0]);
    if (bounded && at > 0 && word.test(text[at - 1])) continue;
    const end = closing(text, from, mark, bounded, dialect);
    if (end < 0) {
      never.add(mark);
      continue;
    }
    if (end === from) continue;
    const inner = inline(text.slice(from, end), dialect, names, depth + 1);
    return { node: tag === "spoiler" ? spoiler(inner) : el(tag, {}, inner), next: end + mark.length };
  }
  return null;
}

// closing finds where mark ends, or -1. Code and escapes are passed over, and so is a
// longer run of the same character, unless the last of it is what closes.
function closing(text, from, mark, bounded, dialect) {
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === "\\" && dialect.escapes) {
      i++;
      continue;
    }
    if (c === "`") {
      const end = text.indexOf("`", i + 1);
      if (end > 0) i = end;
      continue;
    }
    if (c !== mark[0]) continue;
    let run = 1;
    while (text[i + run] === c) run++;
    const fits = mark.length === 1 ? run !== 2 || !(mark + mark in dialect.marks) : run >= mark.length;
    const at = i + run - mark.length;
    const inside = mark === "||" || (i > from && !space.test(text[i - 1]));
    const edge = !bounded || i + run >= text.length || !word.test(text[i + run]);
    if (fits && inside && edge) return Math.max(at, from);
    i += run - 1;
  }
  return -1;
}

function spoiler(inner) {
  const node = el("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler", "aria-expanded": "false" }, inner);
  const show = () => {
    node.classList.add("shown");
    node.setAttribute("aria-expanded", "true");
  };
  node.addEventListener("click", show);
  node.addEventListener("keydown", (e) => {
    if (e.key === "Enter" || e.key === " ") {
      e.preventDefault();
      show();
    }
  });
  return node;
}
