// Block Markdown → DOM nodes. It takes what a model or a person wrote, whole or cut
// off in the middle of a stream, and makes only the elements named here.

import { el, icon } from "./dom.js";
import { decode, dialects, inline } from "./inline.js";
import { highlight } from "./highlight.js";

export { dialects };

const deepest = 8; // of lists and quotes in each other

/** Renders text. names: {user(id), channel(id)} → a name, or nothing. */
export function render(text, dialect, names) {
  const root = el("div", { class: "md" });
  const lines = text.replace(/\r\n?/g, "\n");
  if (dialect.name === "markdown") root.append(...blocks(lines.split("\n"), dialect, names, 0));
  else root.append(...fenced(lines, dialect, names));
  return root;
}

// In both chats' own mark-up a fence may stand anywhere, and one that does not end is
// no fence.
function fenced(text, dialect, names) {
  const out = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("```", at);
    const close = open < 0 ? -1 : text.indexOf("```", open + 3);
    if (close < 0) break;
    let body = text.slice(open + 3, close);
    if (!body.trim()) {
      out.push(...blocks(text.slice(at, close + 3).split("\n"), dialect, names, 0));
      at = close + 3;
      continue;
    }
    out.push(...blocks(text.slice(at, open).replace(/\n$/, "").split("\n"), dialect, names, 0));
    const language = dialect.name === "discord" ? /^([\w+#.-]+)\n/.exec(body) : null;
    if (language) body = body.slice(language[0].length);
    body = body.replace(/^\n/, "").replace(/\n$/, "");
    out.push(codeBlock(dialect.entities ? decode(body) : body, language?.[1] || ""));
    at = close + 3;
    if (text[at] === "\n") at++;
  }
  out.push(...blocks(text.slice(at).split("\n"), dialect, names, 0));
  return out;
}

const fenceLine = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const ruleLine = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const itemLine = /^( *)([-*+•]|\d{1,9}[.)])( +|$)(.*)$/;
const tableRule = /^ *\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$/;

const has = (dialect, what) =>
  ({
    fence: dialect.name === "markdown", rule: dialect.name === "markdown", table: dialect.name === "markdown",
    heading: dialect.name !== "mrkdwn", list: dialect.name !== "mrkdwn",
  })[what];

const headingOf = (line, dialect) =>
  has(dialect, "heading") && (dialect.name === "discord" ? /^(#{1,3}) +(\S.*)$/ : /^ {0,3}(#{1,6}) +(.*)$/).exec(line);

// A heading may be closed by as many # again.
function titleOf(text, dialect) {
  let end = text.trimEnd().length;
  if (dialect.name === "discord") return text.slice(0, end);
  while (end > 0 && text[end - 1] === "#") end--;
  return end === 0 || text[end - 1] === " " ? text.slice(0, end).trimEnd() : text.trimEnd();
}

const quoteOf = (line, dialect) =>
  (dialect.name === "discord" ? /^> (.*)$/ : dialect.name === "mrkdwn" ? /^(?:>|&gt;) ?(.*)$/ : /^ {0,3}> ?(.*)$/).exec(line);

const isTable = (lines, i, dialect) =>
  has(dialect, "table") && lines[i].includes("|") && i + 1 < lines.length && lines[i + 1].includes("-") &&
  lines[i + 1].length < 2000 && tableRule.test(lines[i + 1]) && cells(lines[i]).length === cells(lines[i + 1]).length;

function startsBlock(lines, i, dialect) {
  const line = lines[i];
  return (
    (has(dialect, "fence") && fenceLine.test(line)) || headingOf(line, dialect) || quoteOf(line, dialect) ||
    (has(dialect, "rule") && ruleLine.test(line)) || (has(dialect, "list") && itemLine.test(line)) ||
    (dialect.name === "discord" && /^(-# |>>> )/.test(line)) || isTable(lines, i, dialect)
  );
}

function blocks(lines, dialect, names, depth) {
  const out = [];
  const say = (text) => inline(text, dialect, names);
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    if (!line.trim()) {
      i++;
      continue;
    }
    const fence = has(dialect, "fence") && fenceLine.exec(line);
    if (fence) {
      const indent = line.search(/\S/);
      const end = new RegExp(`^ {0,3}${fence[1][0]}{${fence[1].length},}\\s*$`);
      let j = i + 1;
      while (j < lines.length && !end.test(lines[j])) j++;
      const body = lines.slice(i + 1, j).map((l) => l.replace(new RegExp(`^ {0,${indent}}`), ""));
      out.push(codeBlock(body.join("\n"), fence[2]));
      i = j + 1;
      continue;
    }
    if (has(dialect, "rule") && ruleLine.test(line)) {
      out.push(el("hr"));
      i++;
      continue;
    }
    const heading = headingOf(line, dialect);
    if (heading) {
      // The page has headings of its own; a message's are one below them all.
      out.push(el("p", { class: `heading h${heading[1].length}`, role: "heading", "aria-level": String(Math.min(6, heading[1].length + 2)) }, say(titleOf(heading[2], dialect))));
      i++;
      continue;
    }
    if (dialect.name === "discord" && line.startsWith("-# ")) {
      out.push(el("p", { class: "subtext" }, say(line.slice(3))));
      i++;
      continue;
    }
    if (dialect.name === "discord" && line.startsWith(">>> ")) {
      const rest = [line.slice(4), ...lines.slice(i + 1)];
      out.push(el("blockquote", {}, ...(depth < deepest ? blocks(rest, dialect, names, depth + 1) : [rest.join("\n")])));
      break;
    }
    if (quoteOf(line, dialect)) {
      const body = [];
      for (let q; i < lines.length && (q = quoteOf(lines[i], dialect)); i++) body.push(q[1]);
      out.push(el("blockquote", {}, ...(depth < deepest ? blocks(body, dialect, names, depth + 1) : [body.join("\n")])));
      continue;
    }
    if (isTable(lines, i, dialect)) {
      let j = i + 2;
      while (j < lines.length && lines[j].trim() && lines[j].includes("|")) j++;
      out.push(table(lines.slice(i, j), say));
      i = j;
      continue;
    }
    if (has(dialect, "list") && depth < deepest && itemLine.test(line)) {
      const [list, next] = listAt(lines, i, dialect, names, depth);
      out.push(list);
      i = next;
      continue;
    }
    const body = [line.trim()];
    for (i++; i < lines.length && lines[i].trim() && !startsBlock(lines, i, dialect); i++) body.push(lines[i].trim());
    out.push(el("p", {}, say(body.join("\n"))));
  }
  return out;
}

function listAt(lines, start, dialect, names, depth) {
  const first = itemLine.exec(lines[start]);
  const ordered = /\d/.test(first[2]);
  const base = first[1].length;
  const list = el(ordered ? "ol" : "ul", ordered && Number.parseInt(first[2]) !== 1 ? { start: Number.parseInt(first[2]) } : {});
  let i = start;
  while (i < lines.length) {
    const item = itemLine.exec(lines[i]);
    if (!item || item[1].length < base || item[1].length > base + 1 || /\d/.test(item[2]) !== ordered) break;
    if (ruleLine.test(lines[i]) && has(dialect, "rule")) break;
    const offset = item[1].length + item[2].length + Math.min(item[3].length || 1, 4);
    const body = [item[4]];
    let blank = false;
    for (i++; i < lines.length; i++) {
      const line = lines[i];
      if (!line.trim()) {
        blank = true;
        body.push("");
        continue;
      }
      const indent = line.search(/\S/);
      if (indent <= base + 1 && itemLine.test(line)) break;
      if (indent <= base && (blank || startsBlock(lines, i, dialect))) break;
      body.push(line.slice(Math.min(indent, offset)));
      blank = false;
    }
    list.append(listItem(body, dialect, names, depth));
  }
  return [list, i];
}

function listItem(body, dialect, names, depth) {
  const task = dialect.name === "markdown" && /^\[([ xX])\] +/.exec(body[0]);
  if (!task) return el("li", {}, ...blocks(body, dialect, names, depth + 1));
  const done = task[1] !== " ";
  body[0] = body[0].slice(task[0].length);
  const box = el("span", { class: "task-box", role: "img", "aria-label": done ? "done" : "to do" }, done && icon("check", 12));
  return el("li", { class: "task" + (done ? " done" : "") }, box, el("div", {}, ...blocks(body, dialect, names, depth + 1)));
}

// cells splits a table row at the bars that are neither escaped nor in code.
function cells(line) {
  const out = [];
  let cell = "";
  let code = false;
  const row = line.trim().replace(/^\|/, "");
  for (let i = 0; i < row.length; i++) {
    if (row[i] === "\\" && row[i + 1] === "|") {
      cell += "|";
      i++;
    } else if (row[i] === "|" && !code) {
      out.push(cell.trim());
      cell = "";
    } else {
      if (row[i] === "`") code = !code && row.indexOf("`", i + 1) > 0;
      cell += row[i];
    }
  }
  if (cell.trim()) out.push(cell.trim());
  return out;
}

function table(lines, say) {
  const sides = cells(lines[1]).map((c) => (c.endsWith(":") ? (c.startsWith(":") ? "center" : "right") : ""));
  const row = (line, tag) =>
    el("tr", {}, ...cells(line).slice(0, sides.length).map((c, i) => el(tag, { class: sides[i] || undefined }, say(c))));
  return el("div", { class: "table", tabindex: "0", role: "group", "aria-label": "Table" },
    el("table", {}, el("thead", {}, row(lines[0], "th")), el("tbody", {}, ...lines.slice(2).map((l) => row(l, "td")))));
}

function codeBlock(text, language) {
  const code = el("code", {}, highlight(text, language));
  const copy = el("button", { type: "button", class: "copy", "aria-label": "Copy the code" }, icon("copy", 14), el("span", {}, "Copy"));
  copy.addEventListener("click", async () => {
    let word = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      getSelection().selectAllChildren(code);
      word = "Press Ctrl+C";
    }
    copy.lastChild.textContent = word;
    setTimeout(() => (copy.lastChild.textContent = "Copy"), 1500);
  });
  return el("div", { class: "code" + (language ? "" : " bare") },
    el("div", { class: "code-head" }, language && el("span", { class: "language" }, language), copy),
    el("pre", { tabindex: "0", role: "group", "aria-label": language ? language + " code" : "Code" }, code));
}
