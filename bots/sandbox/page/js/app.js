// The page around the two panes: which is shown, the theme, the examples, the banner.
//
// Tests hold on to data-testid, which stay as they are. Of the page: model, banner,
// theme, view-slack, view-both, view-discord, show-prompts, welcome, prompt (each with
// data-prompt), target-slack, target-discord. The panes are "slack" and "discord"; in each:
//   user-select       the <select> of who the person is; values are user ids
//   channel, dm       buttons of the sidebar; channel has data-id and data-name
//   messages          the list; in it "message" with data-id, data-user (a name) and
//                     data-bot ("true", "false"), and in that "message-text"
//   status            words about what the bot is doing, empty or hidden otherwise
//   composer, send, suggestion, error
// Slack only: thread-start and thread-open (on a message), thread (the panel) with
// thread-messages, thread-composer, thread-send, thread-error, thread-close; on a message
// add-reaction, reaction (data-emoji), message-menu, edit-box, dismiss, file, element (what
// blocks have to act on: data-action, data-block, data-kind), feedback (data-side), task
// (data-status), plan; popup with popup-item; stop, suggested-prompt, shortcuts, tab-home,
// tab-messages, home, new-chat; modal with field-error, modal-submit, modal-close.
// Discord only: channel-thread (sidebar), thread-chip, new-thread, reply, reference, used,
// pending (a deferred answer that is still empty), component, component-menu and
// component-apply (each with data-id, the custom id), failed, file, react, reaction (with
// data-emoji), apps, user-apps, popup with popup-item, edit with edit-box and edit-save,
// delete, dismiss, modal with modal-field and modal-submit, attach, files, attached.

import { el, icon, kept } from "./dom.js";
import { Feed } from "./feed.js";
import { SlackPane } from "./slack.js";
import { DiscordPane } from "./discord.js";

const $ = (id) => document.getElementById(id);
const feed = new Feed();
const panes = {
  slack: new SlackPane($("slack"), feed, remember),
  discord: new DiscordPane($("discord"), feed, remember),
};
const narrow = matchMedia("(max-width: 899px)");

const prompts = [
  { id: "time", sign: "clock", title: "Time in Tokyo", text: "What time is it in Tokyo right now?" },
  { id: "sum", sign: "sum", title: "Exact arithmetic", text: "What is 0.1 + 0.2, and 2^64 / 5, exactly?" },
  { id: "code", sign: "code", title: "A long answer with code", text: "Explain how a hash map works, step by step, with a short code example in Go and a table of costs." },
  { id: "memory", sign: "history", title: "What did I say first?", text: "What was the first thing I said to you here?" },
];

let view = "both";
let target = "slack"; // the pane that examples go to

// The place is kept in the address: #view=both&slack=C1&thread=…&discord=2
function remember() {
  if (!feed.state || remember.off) return;
  const at = new URLSearchParams({ view, slack: panes.slack.channel, discord: panes.discord.channel });
  if (panes.slack.thread) at.set("thread", panes.slack.thread);
  at.set("as", panes.slack.me);
  at.set("das", panes.discord.me);
  const hash = "#" + at;
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

function recall() {
  const at = new URLSearchParams(location.hash.slice(1));
  remember.off = true;
  show(at.get("view") || kept.get("view") || (narrow.matches ? "slack" : "both"));
  panes.slack.reset({ channel: at.get("slack"), thread: at.get("thread"), me: at.get("as") });
  panes.discord.reset({ channel: at.get("discord"), me: at.get("das") });
  remember.off = false;
  remember();
}

function show(wanted) {
  view = ["slack", "discord", "both"].includes(wanted) ? wanted : "both";
  const now = view === "both" && narrow.matches ? target : view;
  document.body.dataset.view = now;
  for (const b of document.querySelectorAll("[data-view]")) b.setAttribute("aria-pressed", String(b.dataset.view === now));
  if (now !== "both") aim(now);
  // A pane that was hidden could not keep its place at the bottom.
  for (const p of Object.values(panes)) if (p.list.pinned) p.list.toBottom();
}

for (const b of document.querySelectorAll("[data-view]")) {
  b.addEventListener("click", () => {
    show(b.dataset.view);
    kept.set("view", view);
    for (const p of Object.values(panes)) if (feed.state && p.shown) p.markRead(), p.later();
    remember();
  });
}
narrow.addEventListener("change", () => show(view));

function aim(pane) {
  target = pane;
  for (const b of document.querySelectorAll("[data-target]")) b.setAttribute("aria-pressed", String(b.dataset.target === pane));
}

function welcome(open) {
  $("welcome").hidden = !open;
  $("help").setAttribute("aria-expanded", String(open));
  kept.set("welcome", open ? "open" : "closed");
}

function buildWelcome() {
  const targets = ["slack", "discord"].map((id) =>
    el("button", { type: "button", dataset: { target: id, testid: "target-" + id }, on: { click: () => aim(id) } }, id === "slack" ? "Slack" : "Discord"));
  $("welcome").append(
    el("p", { class: "welcome-lead" }, el("b", {}, "Say something to bobbin."), " ", el("span", { id: "notice" })),
    el("div", { class: "prompts" },
      ...prompts.map((p) => el("button", {
        type: "button", class: "prompt", title: p.text, dataset: { testid: "prompt", prompt: p.id },
        on: { click: () => feed.state && panes[target].example(p.text) },
      }, icon(p.sign, 16), p.title))),
    el("div", { class: "target", role: "group", "aria-label": "Examples go to" }, el("span", {}, "in"), ...targets));
  welcome(kept.get("welcome") !== "closed");
  $("help").addEventListener("click", () => welcome($("welcome").hidden));
}

const themes = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

function theme(name) {
  const now = name in themes ? name : "auto";
  if (now === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
  $("theme").replaceChildren(icon({ auto: "auto", light: "sun", dark: "moon" }[now]));
  $("theme").setAttribute("aria-label", themes[now]);
  $("theme").title = themes[now];
  theme.now = now;
}

$("theme").addEventListener("click", () => {
  const order = Object.keys(themes);
  theme(order[(order.indexOf(theme.now) + 1) % order.length]);
  kept.set("theme", theme.now);
});

feed.addEventListener("reset", () => {
  const { model, real, notice } = feed.state;
  $("model").replaceChildren(el("i", { class: real ? "live" : "" }), el("span", {}, "Answers by "), el("b", {}, model || "an unnamed model"), real ? el("small", {}, "real") : "");
  $("model").title = real ? "A real model answers" : "No real model is connected: this one follows a script";
  $("model").hidden = false;
  $("notice").textContent = notice || "Both chats run on this machine; bobbin itself is the real daemon.";
  recall();
});
feed.addEventListener("online", () => ($("banner").hidden = true));
feed.addEventListener("offline", () => {
  $("banner").textContent = "The demo is not answering. Trying to reach it again…";
  $("banner").hidden = false;
});
addEventListener("hashchange", () => feed.state && recall());
for (const [id, p] of Object.entries(panes)) p.root.addEventListener("pointerdown", () => aim(id));
document.addEventListener("visibilitychange", () => {
  for (const p of Object.values(panes)) if (feed.state && p.shown) p.markRead(), p.later();
});

theme(kept.get("theme"));
buildWelcome();
aim(target);
show(narrow.matches ? "slack" : "both");
feed.start();
