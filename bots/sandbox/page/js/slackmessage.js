// One message of Slack's, with all that hangs on it and all that can be done to it.

import { avatar, el, icon, iconButton, timeElement, timeOf } from "./dom.js";
import { call } from "./feed.js";
import { withMentions } from "./composer.js";
import { decode } from "./inline.js";
import { dialects, render } from "./markdown.js";
import { renderBlocks } from "./blocks.js";
import { markEdited, nameOf } from "./pane.js";
import { popup } from "./popup.js";
import { common, emojiOf, files, reactions } from "./slackparts.js";

/** A string that differs when the message has to be drawn again. */
export function messageStamp(pane, m) {
  return [m.text, m.blocks, m.blocks ? 0 : m.edits, m.only_for, m.streaming, m.files, m.reactions, pane.editing === m.id, pane.failed.get(m.id)];
}

/** Draws a message; summary is what stands below it in the channel. */
export function slackMessage(pane, m, grouped, inThread, summary) {
  const user = pane.world.user(m.user);
  const when = timeElement(m.at, grouped ? timeOf(m.at).replace(/\s?[AP]M$/i, "") : timeOf(m.at));
  const actor = pane.actor({ channel: m.channel, message: m.id }, (words) => pane.fail(m.id, words), m.id);
  const bare = !m.text && !m.blocks && m.files?.length;
  const text = el("div", { class: "text", hidden: Boolean(bare), dataset: { testid: "message-text" } },
    (m.blocks && renderBlocks(m.blocks, pane.names, actor, pane.people)) || render(m.text, dialects.mrkdwn, pane.names));
  if (m.edits > 0 && !m.blocks) markEdited(text);
  const failed = pane.failed.get(m.id);
  return el("article", {
    class: "message" + (grouped ? " grouped" : "") + (m.only_for ? " ephemeral" : "") + (user.bot ? " by-bot" : "") + (m.streaming ? " is-streaming" : ""),
    dataset: { testid: "message", id: m.id, user: user.name, bot: String(Boolean(user.bot)) },
  },
  m.only_for && el("p", { class: "only-you" }, icon("eye", 13), "Only visible to you"),
  el("div", { class: "gutter" }, grouped ? when : avatar(user)),
  el("div", { class: "body" },
    !grouped && el("div", { class: "byline" }, nameOf(user, "APP"), when),
    pane.editing === m.id ? editor(pane, m) : text,
    files(m.files),
    failed && el("p", { class: "failed", role: "alert" }, failed),
    reactions(m.reactions, pane.me, pane.names, (name, on) => react(pane, m, name, on)),
    summary),
  actions(pane, m, inThread));
}

const act = (pane, m, path, fields = {}) =>
  call("slack/" + path, { user: pane.me, channel: m.channel, message: m.id, ...fields }).then(() => pane.fail(m.id, ""), (e) => pane.fail(m.id, e.message));

const react = (pane, m, name, on) => act(pane, m, on ? "react" : "unreact", { name });

function actions(pane, m, inThread) {
  const bar = el("div", { class: "actions" });
  if (m.only_for) {
    bar.append(iconButton("close", "Dismiss", () => act(pane, m, "delete"), { dataset: { testid: "dismiss" } }));
    return bar;
  }
  const mine = m.user === pane.me;
  const palette = (anchor) => popup(pane.root, anchor, common.map((name) => ({
    label: emojiOf(name), title: name, act: () => react(pane, m, name, !m.reactions?.some((r) => r.emoji === name && r.users.includes(pane.me))),
  })), "palette");
  const menu = [
    ...pane.world.shortcuts.filter((s) => s.message).map((s) => ({ label: s.name, detail: pane.world.bot.name, act: () => act(pane, m, "shortcut", { name: s.callback_id }) })),
    ...(mine ? [{ label: "Edit message", act: () => pane.edit(m.id) }, { label: "Delete message", act: () => act(pane, m, "delete") }] : []),
  ];
  const smile = iconButton("smile", "Add a reaction", () => palette(smile), { dataset: { testid: "add-reaction" } });
  const more = menu.length > 0 && iconButton("more", "More actions", () => popup(pane.root, more, menu), { dataset: { testid: "message-menu" } });
  bar.append(smile);
  if (!inThread) bar.append(iconButton("chat", "Reply in thread", () => pane.openThread(m.id), { dataset: { testid: "thread-start" } }));
  if (more) bar.append(more);
  return bar;
}

// typed is what a person would have typed for Slack to hold text.
const typed = (pane, text) => decode(text
  .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (all, id) => (pane.names.user(id) ? "@" + pane.names.user(id) : all))
  .replace(/<((?:https?|mailto):[^|>]+)(?:\|[^>]*)?>/g, "$1"));

function editor(pane, m) {
  const box = el("textarea", { rows: 2, "aria-label": "Edit message", dataset: { testid: "edit-box" }, on: { keydown: (e) => {
    if (e.isComposing) return;
    if (e.key === "Escape") pane.edit("");
    else if (e.key === "Enter" && !e.shiftKey) save();
    else return;
    e.preventDefault();
    e.stopPropagation();
  } } });
  box.value = typed(pane, m.text);
  const save = async () => {
    const text = withMentions(box.value.trim(), [...pane.world.users.values()]);
    if (text) await act(pane, m, "edit", { text });
    pane.edit("");
  };
  // A frame later the list has kept its place, and no longer undoes the scrolling.
  requestAnimationFrame(() => (box.focus({ preventScroll: true }), box.scrollIntoView({ block: "center" })));
  return el("div", { class: "editor" }, box, el("div", { class: "editor-row" },
    el("button", { type: "button", class: "bk-button", on: { click: () => pane.edit("") } }, "Cancel"),
    el("button", { type: "button", class: "bk-button primary", dataset: { testid: "edit-save" }, on: { click: save } }, "Save")));
}
