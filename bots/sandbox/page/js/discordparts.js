// What hangs below a Discord message: buttons and menus, files, reactions; and the form
// that a bot opens.

import { count, el, icon } from "./dom.js";

const styles = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };

function parse(json) {
  try {
    const rows = JSON.parse(json);
    return Array.isArray(rows) ? rows : [];
  } catch {
    return [];
  }
}

const face = (c) => [c.emoji?.name && el("span", { class: "emoji" }, c.emoji.name), c.label && el("span", {}, c.label)];

/**
 * Draws the components of a message. act(path, {name, values}) tells the server, and
 * resolves when it has answered.
 */
export function components(json, people, act) {
  const rows = parse(json).filter((r) => Array.isArray(r?.components) && r.components.length);
  if (!rows.length) return null;
  return el("div", { class: "components" }, ...rows.map((r) =>
    el("div", { class: "component-row" }, ...r.components.filter(Boolean).map((c) => (c.type === 2 ? button(c, act) : menu(c, people, act))))));
}

async function busy(node, work) {
  node.setAttribute("aria-busy", "true");
  for (const b of node.closest(".components")?.querySelectorAll("button, select") || []) b.disabled = true;
  await work;
}

function button(c, act) {
  if (c.style === 5) {
    return /^https?:\/\//.test(c.url || "") &&
      el("a", { class: "component secondary", href: c.url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...face(c), icon("open", 15));
  }
  const node = el("button", {
    type: "button", class: `component ${styles[c.style] || "secondary"}`, disabled: c.disabled, "aria-label": c.label ? undefined : c.emoji?.name,
    dataset: { testid: "component", id: c.custom_id || "" }, on: { click: () => busy(node, act("press", { name: c.custom_id })) },
  }, ...face(c));
  return node;
}

function menu(c, people, act) {
  const options = c.type === 3 ? c.options || [] : c.type === 5 ? people.map((u) => ({ label: u.name, value: u.id })) : [];
  const hint = c.placeholder || "Make a selection";
  const most = c.max_values ?? 1;
  const words = (o) => (o.emoji?.name ? o.emoji.name + " " : "") + o.label + (o.description ? ` – ${o.description}` : "");
  if (most <= 1) {
    const chosen = options.find((o) => o.default)?.value || "";
    const node = el("select", {
      class: "component-menu", disabled: c.disabled || !options.length, "aria-label": hint, dataset: { testid: "component-menu", id: c.custom_id || "" },
      on: { change: () => busy(node, act("choose", { name: c.custom_id, values: [node.value] })) },
    }, el("option", { value: "", disabled: true, hidden: true, selected: !chosen }, hint),
    ...options.map((o) => el("option", { value: o.value, selected: o.value === chosen }, words(o))));
    return node;
  }
  const boxes = options.map((o) => el("input", { type: "checkbox", value: o.value, checked: o.default }));
  const apply = el("button", { type: "button", class: "component primary", dataset: { testid: "component-apply", id: c.custom_id || "" }, on: { click: () =>
    busy(apply, act("choose", { name: c.custom_id, values: boxes.filter((b) => b.checked).map((b) => b.value) })) } }, "Choose");
  const least = c.min_values ?? 1;
  const check = () => {
    const n = boxes.filter((b) => b.checked).length;
    apply.disabled = c.disabled || n < least || n > most;
  };
  for (const b of boxes) b.addEventListener("change", check);
  check();
  return el("fieldset", { class: "component-many", disabled: c.disabled }, el("legend", {}, hint),
    ...boxes.map((b, i) => el("label", {}, b, words(options[i]))), apply);
}

const sizeOf = (n) => (n < 1024 ? `${n} bytes` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} KB` : `${(n / (1 << 20)).toFixed(1)} MB`);

/** Draws the files of a message; base goes before their addresses. */
export function files(list, base) {
  if (!list?.length) return null;
  return el("div", { class: "files" }, ...list.map((f) => {
    const url = base + f.url;
    if (/^image\/(png|jpeg|gif|webp|svg\+xml)$/.test(f.type)) {
      return el("a", { href: url, target: "_blank", rel: "noopener", class: "file-image", dataset: { testid: "file" }, title: f.name }, el("img", { src: url, alt: f.name, loading: "lazy" }));
    }
    const card = el("div", { class: "file", dataset: { testid: "file" } }, icon(f.type?.startsWith("audio/") ? "mic" : "file", 26),
      el("div", {}, el("a", { href: url, download: f.name }, f.name), el("small", {}, sizeOf(f.size))));
    if (f.type?.startsWith("audio/")) card.append(el("audio", { src: url, controls: true, preload: "none" }));
    return card;
  }));
}

/** Draws the reactions of a message. */
export function reactions(list, me, names, toggle) {
  if (!list?.length) return null;
  return el("div", { class: "reactions" }, ...list.map((r) => {
    const mine = r.users.includes(me);
    return el("button", {
      type: "button", class: "reaction" + (mine ? " mine" : ""), "aria-pressed": String(mine), title: r.users.map((u) => names.user(u) || "someone").join(", "),
      "aria-label": `${r.emoji}, ${count(r.users.length, "reaction", "reactions")}`, dataset: { testid: "reaction", emoji: r.emoji },
      on: { click: () => toggle(r.emoji, !mine) },
    }, el("span", { class: "emoji" }, r.emoji), el("b", {}, String(r.users.length)));
  }));
}

/** Makes the box in which a person edits a message: typed(text) as they do, then save(text) or cancel(). */
export function editor(text, typed, cancel, save) {
  const plain = (words, testid, act) => el("button", { type: "button", class: "plain", dataset: { testid }, on: { click: act } }, words);
  const box = el("textarea", {
    class: "edit-box", rows: Math.min(8, text.split("\n").length), "aria-label": "Edit message", dataset: { testid: "edit-box" },
    on: { input: () => typed(box.value), keydown: (e) => {
      const act = e.key === "Escape" ? cancel : e.key === "Enter" && !e.shiftKey && !e.isComposing ? () => save(box.value) : null;
      if (!act) return;
      e.preventDefault();
      e.stopPropagation();
      act();
    } },
  });
  box.value = text;
  return el("div", { class: "editor" }, box,
    el("small", {}, "escape to ", plain("cancel", "edit-cancel", cancel), " • enter to ", plain("save", "edit-save", () => save(box.value))));
}

/** Opens a bot's form. submit(values) rejects with words to show, close() says that it was put away. */
export function modal(root, bot, form, submit, close) {
  const inputs = form.fields.map((f) => {
    const shared = { required: f.required, dataset: { testid: "modal-field", id: f.custom_id }, "aria-label": f.label };
    if (f.choices?.length) {
      return el("select", shared, ...(f.required ? [] : [el("option", { value: "" }, "")]), ...f.choices.map((c) => el("option", { value: c.value }, c.name)));
    }
    const text = { ...shared, placeholder: f.hint, minlength: f.least || undefined, maxlength: f.most || 4000 };
    const node = f.long ? el("textarea", { ...text, rows: 4 }) : el("input", { type: "text", ...text });
    node.value = f.value || "";
    return node;
  });
  const error = el("p", { class: "composer-error", role: "alert", hidden: true });
  const dialog = el("dialog", { class: "modal", "aria-label": form.title, dataset: { testid: "modal" } },
    el("form", { method: "dialog", on: { submit: async (e) => {
      e.preventDefault();
      try {
        await submit(Object.fromEntries(form.fields.map((f, i) => [f.custom_id, inputs[i].value])));
        sent = true;
        dialog.close();
      } catch (err) {
        error.textContent = err.message;
        error.hidden = false;
      }
    } } },
    el("header", {}, el("h3", {}, form.title), el("small", {}, bot.name)),
    ...form.fields.map((f, i) => el("label", {}, el("b", {}, f.label, f.required && el("i", { "aria-hidden": "true" }, " *")), f.description && el("small", {}, f.description), inputs[i])),
    error,
    el("footer", {}, el("button", { type: "button", class: "plain", on: { click: () => dialog.close() } }, "Cancel"),
      el("button", { class: "component primary", dataset: { testid: "modal-submit" } }, "Submit"))));
  let sent = false;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (!sent) close();
  });
  root.append(dialog);
  dialog.showModal();
  inputs[0]?.focus();
}
