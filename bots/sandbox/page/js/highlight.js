// Colours for code: strings, comments, numbers, keywords and calls, near enough for
// the languages that people ask about most.

import { el } from "./dom.js";

const shared = "if else for while do return break continue switch case default try catch finally throw new import from export " +
  "class struct enum interface type const let var func function fn def lambda async await yield in of is not and or None True " +
  "False null nil true false self this super package defer go chan map range select pub impl use mod mut match where trait " +
  "static public private protected void int string bool float double char long with as pass raise except elif then fi done " +
  "echo local end begin begin unless module require extends implements abstract final typeof instanceof delete";
const sql = "select from where insert into values update set delete create table primary key join left right inner outer on group by " +
  "order having limit and or not null as distinct count sum union all index drop alter";
const keywords = new Set(shared.split(" "));
const sqlWords = new Set(sql.split(" "));
const hashComments = /^(?:py|python|sh|bash|shell|zsh|rb|ruby|ya?ml|toml|perl|r|make|makefile|dockerfile)$/;
const none = /^(?:|text|txt|plain|plaintext|output|log|csv|markdown|md)$/;
const longest = 20_000;

/** Turns code into nodes; in a language that is not named nothing is coloured. */
export function highlight(text, language) {
  const lang = language.toLowerCase();
  const out = document.createDocumentFragment();
  if (none.test(lang) || text.length > longest) {
    out.append(text);
    return out;
  }
  const comment = hashComments.test(lang) ? "#[^\\n]*" : lang === "sql" || lang === "lua" ? "--[^\\n]*" : "\\/\\/[^\\n]*|\\/\\*[\\s\\S]*?(?:\\*\\/|$)";
  const scan = new RegExp(
    `(?<comment>${comment})|(?<string>"""[\\s\\S]*?(?:"""|$)|"(?:\\\\.|[^"\\\\\\n])*"?|'(?:\\\\.|[^'\\\\\\n])*'?|\`(?:\\\\.|[^\`\\\\])*\`?)` +
    "|(?<number>\\b\\d[\\w.]*)|(?<word>[A-Za-z_$][\\w$]*)(?<call>\\s*\\()?",
    "g",
  );
  const words = lang === "sql" ? sqlWords : keywords;
  let at = 0;
  const put = (kind, from, to) => {
    if (from > at) out.append(text.slice(at, from));
    out.append(el("span", { class: "tok-" + kind }, text.slice(from, to)));
    at = to;
  };
  for (const m of text.matchAll(scan)) {
    const { comment: c, string: s, number: n, word: w, call } = m.groups;
    if (c) put("comment", m.index, m.index + c.length);
    else if (s) put("string", m.index, m.index + s.length);
    else if (n) put("number", m.index, m.index + n.length);
    else if (words.has(lang === "sql" ? w.toLowerCase() : w)) put("keyword", m.index, m.index + w.length);
    else if (call) put("call", m.index, m.index + w.length);
  }
  out.append(text.slice(at));
  return out;
}
