// What people press, choose from and type into in Slack's blocks.
//
// An actor says what becomes of it: {act(path, fields) → a promise, held(block, action)
// → what the person has put in, form: whether inputs are collected until a submit}.

import { el, icon } from "./dom.js";
import { decode } from "./inline.js";

const words = (t) => (typeof t?.text === "string" ? decode(t.text) : "");

async function busy(node, work) {
  node.setAttribute("aria-busy", "true");
  node.disabled = true;
  try {
    await work;
  } finally {
    node.removeAttribute("aria-busy");
    node.disabled = false;
  }
}

function agreed(e) {
  if (!e.confirm) return true;
  return confirm([words(e.confirm.title), words(e.confirm.text)].filter(Boolean).join("\n\n"));
}

/** Makes one element of a block, or nothing. */
export function element(e, block, actor, people) {
  if (!e || typeof e !== "object" || !actor) return null;
  const id = String(e.action_id || "");
  const shared = { dataset: { testid: "element", action: id, block: block || "", kind: e.type } };
  const held = actor.held(block, id) || {};
  const press = (node) => agreed(e) && busy(node, actor.act("press", { name: id }));
  const choose = (node, values) => busy(node, actor.act("choose", { name: id, values }));
  switch (e.type) {
    case "button":
    case "workflow_button": {
      const style = ["primary", "danger"].includes(e.style) ? " " + e.style : "";
      const node = el("button", { ...shared, type: "button", class: "bk-button" + style, "aria-label": e.accessibility_label, on: { click: () => {
        if (/^https?:\/\//.test(e.url || "")) open(e.url, "_blank", "noopener,noreferrer");
        press(node);
      } } }, words(e.text) || "…", e.url && icon("open", 14));
      return node;
    }
    case "icon_button": {
      const node = el("button", { ...shared, type: "button", class: "bk-icon", title: words(e.text), "aria-label": words(e.text), on: { click: () => press(node) } }, icon(e.icon === "trash" ? "trash" : "apps", 16));
      return node;
    }
    case "feedback_buttons":
      return el("span", { class: "bk-feedback" }, ...[["positive", "up"], ["negative", "thumbdown"]].map(([side, sign]) => {
        const b = e[side + "_button"];
        const label = b?.accessibility_label || words(b?.text);
        const node = el("button", {
          type: "button", class: "bk-icon", title: label, "aria-label": label, "aria-pressed": String(actor.rated?.get(block + "/" + id) === side),
          dataset: { testid: "feedback", action: id, side },
          on: { click: () => {
            actor.rated?.set(block + "/" + id, side);
            for (const o of node.parentElement.children) o.setAttribute("aria-pressed", String(o === node));
            choose(node, [side]);
          } },
        }, icon(sign === "up" ? "thumb" : sign, 16));
        return node;
      }));
    case "overflow": {
      const node = el("button", { ...shared, type: "button", class: "bk-icon", title: "More", "aria-label": "More", "aria-haspopup": "menu", on: { click: () =>
        actor.menu(node, (e.options || []).map((o) => ({ label: words(o.text), detail: words(o.description), act: () => choose(node, [o.value]) }))) } }, icon("more", 16));
      return node;
    }
    case "static_select":
    case "users_select":
    case "channels_select":
    case "conversations_select":
      return menu(e, shared, held, actor, people, false, choose);
    case "multi_static_select":
    case "multi_users_select":
    case "multi_channels_select":
    case "multi_conversations_select":
      return menu(e, shared, held, actor, people, true, choose);
    case "external_select":
      return external(e, shared, held, actor, choose);
    case "checkboxes":
    case "radio_buttons":
      return boxes(e, shared, held, actor, choose);
    case "datepicker":
    case "timepicker": {
      const kind = e.type === "datepicker" ? "date" : "time";
      const node = el("input", { ...shared, type: kind, class: "bk-input", "aria-label": words(e.placeholder) || kind, on: { change: () => !actor.form && node.value && choose(node, [node.value]) } });
      node.value = held["selected_" + kind] || "";
      return node;
    }
    case "plain_text_input":
    case "email_text_input":
    case "url_text_input":
    case "number_input": {
      const most = { ...shared, class: "bk-input", placeholder: words(e.placeholder), maxlength: e.max_length };
      const node = e.multiline ? el("textarea", { ...most, rows: 4 }) : el("input", { ...most, type: "text" });
      node.value = held.value || "";
      return node;
    }
    default:
      return null;
  }
}

// optionsOf lists [{text, value, group}] of a menu.
function optionsOf(e, people) {
  if (/users_select$/.test(e.type)) return people.users.map((u) => ({ text: u.name, value: u.id }));
  if (/(channels|conversations)_select$/.test(e.type)) return people.channels.map((c) => ({ text: "#" + c.name, value: c.id }));
  const flat = (list, group) => (Array.isArray(list) ? list.filter(Boolean).map((o) => ({ text: words(o.text), detail: words(o.description), value: String(o.value), group })) : []);
  return [...flat(e.options), ...(Array.isArray(e.option_groups) ? e.option_groups.flatMap((g) => flat(g?.options, words(g?.label))) : [])];
}

const chosenOf = (held) =>
  [held.selected_option?.value, ...(held.selected_options || []).map((o) => o.value), held.selected_user, held.selected_channel, held.selected_conversation,
    ...(held.selected_users || []), ...(held.selected_channels || []), ...(held.selected_conversations || [])].filter((v) => v !== undefined && v !== null);

function menu(e, shared, held, actor, people, many, choose) {
  const chosen = chosenOf(held);
  const options = optionsOf(e, people);
  const hint = words(e.placeholder) || "Choose…";
  const node = el("select", { ...shared, class: "bk-select", multiple: many, "aria-label": hint, on: { change: () =>
    !actor.form && choose(node, [...node.selectedOptions].map((o) => o.value).filter(Boolean)) } });
  if (!many) node.append(el("option", { value: "", selected: !chosen.length }, hint));
  const groups = new Map();
  for (const o of options) {
    let to = node;
    if (o.group) {
      if (!groups.has(o.group)) groups.set(o.group, el("optgroup", { label: o.group }));
      to = groups.get(o.group);
      if (!to.parentNode) node.append(to);
    }
    to.append(el("option", { value: o.value, selected: chosen.includes(o.value) }, o.detail ? `${o.text} – ${o.detail}` : o.text));
  }
  return node;
}

// external is a menu whose options the app gives for what is typed.
function external(e, shared, held, actor, choose) {
  const list = el("ul", { class: "bk-options", hidden: true });
  const least = Number.isInteger(e.min_query_length) ? e.min_query_length : 3;
  let asked = 0;
  const node = el("input", { ...shared, type: "text", class: "bk-input", placeholder: words(e.placeholder) || "Type to search…", on: { input: async () => {
    const now = ++asked;
    delete node.dataset.value;
    if (node.value.length < least) return (list.hidden = true);
    const { options = [] } = (await actor.act("suggest", { name: e.action_id, text: node.value })) || {};
    if (now !== asked) return;
    list.replaceChildren(...options.map((o) => el("li", {}, el("button", { type: "button", dataset: { testid: "option", value: o.value }, on: { click: () => {
      node.value = o.text;
      node.dataset.value = o.value;
      list.hidden = true;
      if (!actor.form) choose(node, [o.value]);
    } } }, o.text))));
    list.hidden = !options.length;
  } } });
  if (held.selected_option) {
    node.value = words(held.selected_option.text);
    node.dataset.value = held.selected_option.value;
  }
  return el("span", { class: "bk-external" }, node, list);
}

let groups = 0;

function boxes(e, shared, held, actor, choose) {
  const chosen = chosenOf(held);
  const name = "boxes-" + ++groups;
  const node = el("fieldset", { ...shared, class: "bk-boxes" }, ...optionsOf(e, null).map((o) =>
    el("label", {}, el("input", {
      type: e.type === "checkboxes" ? "checkbox" : "radio", name, value: o.value, checked: chosen.includes(o.value),
      on: { change: () => !actor.form && choose(node, [...node.querySelectorAll("input:checked")].map((i) => i.value)) },
    }), el("span", {}, o.text, o.detail && el("small", {}, o.detail)))));
  return node;
}

/** What stands in the elements of a form, by action: several choices on lines of their own. */
export function collect(form) {
  const out = {};
  for (const node of form.querySelectorAll("[data-testid=element]")) {
    const { action, kind, block, value } = node.dataset;
    let text;
    if (kind === "checkboxes" || kind === "radio_buttons") text = [...node.querySelectorAll("input:checked")].map((i) => i.value).join("\n");
    else if (kind === "external_select") text = value;
    else if (node.multiple) text = [...node.selectedOptions].map((o) => o.value).join("\n");
    else if (node.matches("input, textarea, select")) text = node.value;
    // A choice that was not made is not put in; a text that was taken away is.
    if (text || (text === "" && /_input$/.test(kind))) out[block + "/" + action] = text;
  }
  return out;
}
