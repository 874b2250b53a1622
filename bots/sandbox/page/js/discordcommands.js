// Discord's slash commands as a person types them: "/ask text:why? private:true". The
// first text option needs no name before it.

const nested = (o) => o.type === 1 || o.type === 2;

/** The commands that can be used, subcommands with their whole name, such as "session export". */
export function leaves(commands) {
  const list = [];
  const walk = (name, description, options) => {
    const inner = (options || []).filter(nested);
    for (const o of inner) walk(`${name} ${o.name}`, o.description, o.options);
    if (!inner.length) list.push({ name, description, options: options || [] });
  };
  for (const c of commands) if ((c.type || 1) === 1) walk(c.name, c.description, c.options);
  return list;
}

/**
 * Reads what was typed: which command it is, the values of its options, and the option
 * that is being typed, with the place where its value begins. Nothing for no command.
 */
export function parse(text, commands) {
  const command = leaves(commands)
    .sort((a, b) => b.name.length - a.name.length)
    .find((c) => text === "/" + c.name || text.startsWith("/" + c.name + " "));
  if (!command) return null;
  const at = command.name.length + 2;
  const args = text.slice(at);
  const found = [];
  for (const m of args.matchAll(/(?:^|\s)([^\s:]+):/g)) {
    const option = command.options.find((o) => o.name === m[1]);
    if (option && !found.some((f) => f.option === option)) {
      found.push({ option, start: at + m.index, from: at + m.index + m[0].length });
    }
  }
  const values = {};
  found.forEach((f, i) => {
    f.typed = text.slice(f.from, found[i + 1]?.start);
    values[f.option.name] = f.typed.trim();
  });
  const free = text.slice(at, found[0]?.start).trim();
  const first = command.options.find((o) => o.type === 3);
  if (free && first && !(first.name in values)) values[first.name] = free;
  return { command, values, free: first ? "" : free, last: found.at(-1), args, at };
}

const closed = (o) => o.choices?.length || [4, 5, 6, 7, 10].includes(o.type);

/** What is offered for the text before the caret. suggested(parsed) gives the bot's own ideas. */
export function hints(before, commands, people, suggested) {
  const p = before.startsWith("/") && parse(before, commands);
  if (!p || before.length < p.at) return [];
  if (p.last) {
    const typed = p.last.typed.trimStart();
    const from = before.length - typed.length;
    const fits = (s) => s.toLowerCase().includes(typed.trim().toLowerCase());
    const value = (label, put, detail) => ({ label, detail, from, put: put + " " });
    const o = p.last.option;
    const done = closed(o) && /\S\s$/.test(typed);
    if (!done && o.choices?.length) return o.choices.filter((c) => fits(c.name)).map((c) => value(c.name, c.name));
    if (!done && o.type === 5) return ["True", "False"].filter(fits).map((v) => value(v, v));
    if (!done && o.type === 6) return people.filter((u) => fits("@" + u.name)).map((u) => value("@" + u.name, "@" + u.name));
    const next = /\S\s+(\S+)$/.exec(typed)?.[1]; // perhaps the name of another option
    if (o.autocomplete && next) {
      const others = optionsLeft(p, next, before.length - next.length);
      if (others.length) return others;
    }
    if (o.autocomplete && !/\s$/.test(typed)) {
      const ideas = suggested({ name: p.command.name, options: p.values, focused: o.name });
      return ideas.filter((c) => String(c.value) !== typed).map((c) => value(c.name, String(c.value)));
    }
    if (!/\s$/.test(before)) return [];
    if (!closed(o) && !o.autocomplete) return [];
  }
  const word = /\S*$/.exec(before)[0];
  if (!p.last && p.args.trim() !== word) return [];
  return optionsLeft(p, word, before.length - word.length);
}

// optionsLeft are the options whose names begin with a word and that have no value yet.
function optionsLeft(p, word, from) {
  const given = (o) => p.values[o.name] && p.values[o.name] !== word;
  return p.command.options
    .filter((o) => o.type !== 11 && !given(o) && o.name.startsWith(word))
    .map((o) => ({ label: o.name, detail: o.description + (o.required ? " (required)" : ""), from, put: o.name + ":" }));
}

/** What stands in the way of using the command, in words; nothing if it can be used. */
export function wrong(p, files) {
  if (p.free) return `/${p.command.name} takes no text.`;
  const places = p.command.options.filter((o) => o.type === 11);
  if (files.length > places.length) return places.length ? `/${p.command.name} takes ${places.length} file.` : `/${p.command.name} takes no files.`;
  const missing = p.command.options.find((o) => o.required && o.type !== 11 && !p.values[o.name]);
  if (missing) return `/${p.command.name} needs its ${missing.name}: write it after the command.`;
  const file = places[files.length];
  return file?.required ? `/${p.command.name} needs its ${file.name}: attach a file.` : "";
}
