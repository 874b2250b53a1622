// The Slack pane: channels and the DM on the left, a channel's messages, and a thread
// beside them.

import { avatar, count, dots, el, icon, iconButton, timeElement, timeOf } from "./dom.js";
import { call, loadingPause, readFiles } from "./feed.js";
import { Composer, withMentions } from "./composer.js";
import { MessageList } from "./messages.js";
import { nameOf, Pane } from "./pane.js";
import { popup } from "./popup.js";
import { messageStamp, slackMessage } from "./slackmessage.js";
import { homeView, ModalView } from "./slackviews.js";

const limit = 12_000;

export class SlackPane extends Pane {
  constructor(root, feed, moved) {
    super(root, feed, "slack", moved);
    this.tab = "messages"; // of the DM: messages or home
    this.editing = ""; // the message of mine that I change
    this.failed = new Map(); // message → what went wrong with what I did to it
    this.rated = new Map(); // message, block and action → the feedback that I gave
    this.title = el("h2", { class: "workspace" });
    this.channelList = el("ul");
    this.directList = el("ul");
    this.heading = el("h3", { class: "place" });
    this.list = new MessageList({
      label: "Messages", testid: "messages", draw: (m, grouped) => this.message(m, grouped, false), stamp: (m) => this.stamp(m, false),
      empty: { draw: () => this.welcome(), stamp: () => this.channel },
    });
    this.threadList = new MessageList({
      label: "Thread", testid: "thread-messages", draw: (m, grouped) => this.message(m, grouped, true), stamp: (m) => this.stamp(m, true),
    });
    this.threadStatus = el("p", { class: "status", role: "status", dataset: { testid: "status" }, hidden: true });
    this.stopButton = el("button", { type: "button", class: "bk-button stop", dataset: { testid: "stop" }, hidden: true, on: { click: () => this.stop() } }, icon("stop", 14), "Stop");
    this.threadList.foot.append(this.threadStatus);
    const shared = { mentions: () => this.mentionable, mentionName: "bobbin", limit, files: true };
    this.composer = new Composer({ ...shared, send: (text, files) => this.say(text, "", files), commands: () => this.commands });
    this.threadComposer = new Composer({ ...shared, testid: "thread", send: (text, files) => this.say(text, this.thread, files), commands: () => [] });
    this.threadComposer.slash.remove();
    this.threadComposer.node.prepend(this.stopButton);
    this.shortcutButton = iconButton("bolt", "Shortcuts", () => this.shortcutMenu(), { class: "tool", hidden: true, dataset: { testid: "shortcuts" } });
    this.composer.slash.after(this.shortcutButton);
    this.tabs = el("div", { class: "tabs", role: "tablist", hidden: true }, ...["home", "messages"].map((tab) =>
      el("button", { type: "button", role: "tab", dataset: { tab, testid: "tab-" + tab }, on: { click: () => this.openTab(tab) } }, tab === "home" ? "Home" : "Messages")));
    this.newChat = iconButton("edit", "New chat", () => this.openChat(), { class: "menu-like", hidden: true, dataset: { testid: "new-chat" } });
    this.homePlace = el("div", { class: "home-frame", hidden: true });
    this.people = { users: [], channels: [] };
    this.modal = new ModalView(root, this.names, () => this.people, {
      actor: (view) => this.actor({ message: view.id }, (words) => this.composer.fail(words), view.id),
      submit: (options) => call("slack/submit", { user: this.me, options }),
      close: () => call("slack/close", { user: this.me }).catch((e) => this.composer.fail(e.message)),
    });
    setInterval(() => this.world?.typing && [...this.world.typing.values()].some((t) => t.loading) && this.later(), loadingPause);
    this.threadTitle = el("b", {}, "Thread");
    this.threadPlace = el("span");
    this.panel = el("aside", { class: "thread", "aria-label": "Thread", dataset: { testid: "thread" }, hidden: true },
      el("header", {}, el("h3", {}, this.threadTitle, this.threadPlace), iconButton("close", "Close the thread", () => this.closeThread(), { class: "close", dataset: { testid: "thread-close" } })),
      this.threadList.node, this.threadComposer.node);
    root.append(
      el("div", { class: "titlebar" }, el("span", {}, "Slack (stand-in)")),
      el("div", { class: "window" },
        el("nav", { class: "sidebar", "aria-label": "Slack channels" },
          el("header", {}, this.title, iconButton("close", "Close the list of channels", () => this.drawer(false), { class: "drawer-close" })),
          el("div", { class: "places" },
            el("h3", {}, "Channels"), this.channelList,
            el("h3", {}, "Direct messages"), this.directList),
          this.who),
        this.scrim,
        el("div", { class: "main" }, el("header", {}, this.menu, this.heading, this.tabs, this.newChat), this.homePlace, this.list.node, this.composer.node),
        this.panel));
  }

  get commands() {
    const known = this.world.commands.map((c) => ({ name: "/bobbin " + c.name, detail: c.summary, bare: !c.argument }));
    return known.length ? known : [{ name: "/bobbin", detail: "" }];
  }

  /** What acting on blocks does: where says which message or view they are in. */
  actor(where, fail, key) {
    const states = this.world.message(where.channel, where.message) ? null : this.views().find((v) => v.id === where.message)?.state?.values;
    return {
      rated: { get: (id) => this.rated.get(key + "/" + id), set: (id, side) => this.rated.set(key + "/" + id, side) },
      held: (block, action) => states?.[block]?.[action],
      menu: (anchor, items) => popup(anchor.closest("dialog") || this.root, anchor, items),
      act: (path, fields) => call("slack/" + path, { user: this.me, ...where, ...fields }).then((a) => (fail(""), a), (e) => fail(e.message)),
    };
  }

  views() {
    return ["modal", "home"].map((kind) => this.world.surface(kind, { user: this.me })).filter(Boolean);
  }

  fail(id, words) {
    if ((this.failed.get(id) || "") === words) return;
    if (words) this.failed.set(id, words);
    else this.failed.delete(id);
    this.later();
  }

  edit(id) {
    this.editing = id;
    this.later();
  }

  stop() {
    call("slack/stop", { user: this.me, channel: this.channel, thread: this.thread }).catch((e) => this.threadComposer.fail(e.message));
  }

  shortcutMenu() {
    popup(this.root, this.shortcutButton, this.world.shortcuts.filter((s) => !s.message).map((s) => ({
      label: s.name, detail: this.world.bot.name,
      act: () => call("slack/shortcut", { user: this.me, name: s.callback_id }).catch((e) => this.composer.fail(e.message)),
    })));
  }

  openTab(tab) {
    this.tab = tab;
    call("slack/" + (tab === "home" ? "home" : "dm"), { user: this.me }).catch((e) => this.composer.fail(e.message));
    this.draw();
  }

  // openChat begins a conversation of its own with an agent of the older kind.
  async openChat() {
    try {
      const { channel, id } = await call("slack/assistant", { user: this.me, channel: this.looked || "" });
      this.go(channel, id);
    } catch (e) {
      this.composer.fail(e.message);
    }
  }

  async openDM() {
    this.opening = true;
    await super.openDM();
    this.opening = false;
  }

  go(channel, thread = "") {
    const before = this.channel;
    super.go(channel, thread);
    if (this.channel !== channel || channel === before) return;
    this.tab = "messages";
    const direct = this.world.channels.get(channel).direct;
    if (!direct) this.looked = channel;
    // The app hears when somebody turns to it, or to another channel beside it.
    if (direct && !this.opening) call("slack/dm", { user: this.me }).catch(() => {});
    else if (!direct && this.dm) call("slack/look", { user: this.me, channel }).catch(() => {});
    this.draw();
  }

  async say(text, thread, files = []) {
    const at = { user: this.me, channel: this.channel };
    const command = files.length ? null : /^\/(\S*)\s*([\s\S]*)$/.exec(text);
    if (command && !thread) {
      const known = this.commands.some((c) => c.name.split(" ")[0] === "/" + command[1]);
      if (!known) throw new Error(`/${command[1]} is not a valid command. Try /bobbin help.`);
      this.mine = "";
      this.asked = this.channel;
      await this.inTurn(() => call("slack/command", { ...at, name: command[1], text: command[2] }));
      return;
    }
    if (command && /^\/bobbin\b/.test(text)) throw new Error("Slack runs no slash commands in threads. Just write: bobbin reads along here.");
    this.asked = "";
    const { id } = await this.inTurn(async () =>
      call("slack/say", { ...at, thread, text: withMentions(text, [...this.world.users.values()]), files: await readFiles(files) }));
    if (!thread) this.mine = id;
    (thread ? this.threadList : this.list).toBottom();
    this.followMine();
  }

  /** Sends an example from where the person is: the open thread, or the channel. */
  async example(text) {
    const direct = this.world.channels.get(this.channel)?.direct;
    const box = this.thread ? this.threadComposer : this.composer;
    try {
      await this.say(this.thread || direct ? text : `@${this.world.bot.name} ${text}`, this.thread);
    } catch (e) {
      box.fail(e.message);
    }
  }

  // The answer to what was just said opens by itself, as a newcomer would not look for
  // it in a thread; never over a thread that is being read.
  follow(change) {
    const m = change.message;
    if (change.kind === "posted" && !m.thread && m.channel === this.asked && m.user === this.world.bot.id && !m.only_for) {
      this.mine = m.id;
      this.asked = "";
    }
    this.followMine();
  }

  followMine() {
    const w = this.world;
    if (!this.mine || this.thread || w.channels.get(this.channel)?.direct || !w.message(this.channel, this.mine)) return;
    const answered = w.seenBy(this.me, this.channel).some((m) => m.thread === this.mine && m.id !== this.mine);
    if (!answered && w.statusOf(this.channel, this.mine) === undefined) return;
    const typing = this.composer.writing && document.activeElement === this.composer.box;
    const root = this.mine;
    this.mine = "";
    if (!typing) this.go(this.channel, root);
  }

  noteUnread(m) {
    if (m.thread && m.thread !== m.id) {
      if (m.channel === this.channel && m.thread !== this.thread) this.unread.add(m.channel + "/" + m.thread);
      if (m.channel === this.channel) return;
    }
    super.noteUnread(m);
  }

  closeThread() {
    const root = this.thread;
    this.mine = "";
    this.go(this.channel);
    [...this.list.list.querySelectorAll("[data-id]")].find((n) => n.dataset.id === root)?.querySelector("button")?.focus({ preventScroll: true });
  }

  escape() {
    if (this.modal.dialog) return;
    if (this.root.hasAttribute("data-drawer")) this.drawer(false);
    else if (this.thread) this.closeThread();
  }

  draw() {
    const w = this.world;
    const here = w.channels.get(this.channel);
    if (!here) return;
    this.title.textContent = w.name;
    this.drawWho();
    const entry = (c, face, label, props) => ({
      stamp: [c?.id, label, c?.id === this.channel, c && this.unread.has(c.id)],
      class: c && this.unread.has(c.id) ? "unread" : undefined,
      node: () => el("button", {
        type: "button", "aria-current": c?.id === this.channel ? "page" : undefined, ...props,
        on: { click: () => (c ? this.go(c.id) : this.openDM()) },
      }, face(), el("span", { class: "label" }, label), c && this.unread.has(c.id) && el("span", { class: "dot" }, el("span", { class: "hidden-words" }, "unread"))),
    });
    const channels = [...w.channels.values()];
    this.fill(this.channelList, channels.filter((c) => !c.direct).map((c) =>
      entry(c, () => icon("hash", 16), c.name, { dataset: { testid: "channel", id: c.id, name: c.name } })));
    this.fill(this.directList, [entry(this.dm, () => avatar(w.bot), w.bot.name, { dataset: { testid: "dm", id: "dm" } })]);

    this.people = { users: [...w.users.values()].filter((u) => !u.deleted), channels: channels.filter((c) => !c.direct) };
    this.modal.show(w.surface("modal", { user: this.me }));
    this.drawApp(here);
    const place = here.id + (here.direct ? "d" : "");
    if (this.placeStamp !== place) {
      this.placeStamp = place;
      this.heading.replaceChildren(...(here.direct ? [avatar(w.bot), nameOf(w.bot, "APP")] : [icon("hash", 18), here.name]));
      this.list.clear();
    }
    this.composer.moveTo(this.channel, here.direct ? `Message ${w.bot.name}` : `Message #${here.name}`);
    const all = w.seenBy(this.me, this.channel);
    this.threads = new Map();
    for (const m of all) {
      if (!m.thread || m.thread === m.id) continue;
      if (!this.threads.has(m.thread)) this.threads.set(m.thread, []);
      this.threads.get(m.thread).push(m);
    }
    this.list.show(all.filter((m) => !m.thread || m.thread === m.id));
    this.drawThread(here);
  }

  // drawApp draws what only the DM with the app has: tabs, its home, what it suggests.
  drawApp(here) {
    const w = this.world;
    const home = here.direct && this.tab === "home";
    this.shortcutButton.hidden = !w.shortcuts.some((s) => !s.message);
    this.tabs.hidden = !here.direct;
    this.newChat.hidden = !here.direct || w.agent !== "assistant_view";
    for (const b of this.tabs.children) b.setAttribute("aria-selected", String(b.dataset.tab === this.tab));
    this.homePlace.hidden = !home;
    this.list.node.hidden = this.composer.node.hidden = home;
    const view = w.surface("home", { user: this.me });
    const stamp = home ? JSON.stringify([this.me, view]) : "";
    if (home && stamp !== this.homeStamp) {
      const actor = view && this.actor({ message: view.id }, (words) => this.composer.fail(words), view.id);
      this.homePlace.replaceChildren(homeView(view, w.bot, this.names, actor, this.people));
    }
    this.homeStamp = stamp;
    this.drawPrompts(this.composer, here.direct ? w.surface("prompts", { in: here.id }) : null, "");
  }

  // drawPrompts offers what the agent suggests above a composer.
  drawPrompts(composer, data, thread) {
    const stamp = JSON.stringify(data || "");
    if (composer.above.dataset.stamp === stamp) return;
    composer.above.dataset.stamp = stamp;
    composer.above.replaceChildren(...(data?.prompts?.length ? [el("div", { class: "suggested", dataset: { testid: "suggested" } },
      data.title && el("p", {}, data.title),
      ...data.prompts.map((p) => el("button", { type: "button", title: p.message, dataset: { testid: "suggested-prompt" }, on: { click: () =>
        this.say(p.message, thread).catch((e) => composer.fail(e.message)) } }, p.title)))] : []));
  }

  drawThread(here) {
    const root = this.thread && this.world.message(this.channel, this.thread);
    this.panel.hidden = !root;
    this.root.toggleAttribute("data-thread", Boolean(root));
    if (!root) {
      this.threadStamp = "";
      return;
    }
    const place = this.channel + "/" + this.thread;
    if (this.threadStamp !== place) {
      this.threadStamp = place;
      this.threadPlace.textContent = here.direct ? this.world.bot.name : "#" + here.name;
      this.threadList.clear();
    }
    this.threadComposer.moveTo(place, "Reply…");
    const at = { in: this.channel, thread: this.thread };
    const title = this.world.surface("title", at) || "Thread";
    if (this.threadTitle.textContent !== title) this.threadTitle.textContent = title;
    this.stopButton.hidden = !this.world.surface("session", at)?.stop;
    this.drawPrompts(this.threadComposer, (this.threads.get(this.thread) || []).some((m) => m.user === this.me) ? null : this.world.surface("prompts", at), this.thread);
    const replies = this.threads.get(this.thread) || [];
    const status = this.statusWords(this.channel, this.thread);
    const rule = replies.length ? [{ id: "replies", divider: count(replies.length, "reply", "replies") }] : [];
    if ((status ?? "") !== this.threadStatus.dataset.words) {
      this.threadStatus.dataset.words = status ?? "";
      this.threadStatus.replaceChildren(...(status ? this.statusLine(status) : []));
    }
    this.threadStatus.hidden = !status;
    this.threadList.show([root, ...rule, ...replies]);
  }

  // Slack puts the app's name before the words of its status, and shows its loading
  // messages without.
  statusWords(channel, thread) {
    const status = this.world.statusOf(channel, thread);
    return status && (this.world.loadingOf(channel, thread) || `${this.world.bot.name} ${status}`);
  }

  statusLine(words) {
    return [avatar(this.world.bot), el("span", {}, words.replace(/(\.{3}|…)\s*$/, "")), dots()];
  }

  stamp(m, inThread) {
    const replies = inThread ? null : this.threads.get(m.id);
    const last = replies?.at(-1);
    return JSON.stringify([
      ...messageStamp(this, m),
      replies?.length, last?.at, !inThread && this.unread.has(m.channel + "/" + m.id), !inThread && this.statusWords(m.channel, m.id),
      !inThread && this.world.surface("title", { in: m.channel, thread: m.id }),
    ]);
  }

  message(m, grouped, inThread) {
    return slackMessage(this, m, grouped, inThread, !inThread && this.summary(m));
  }

  openThread(id) {
    this.go(this.channel, id);
    this.threadComposer.focus();
  }

  // summary is the line under a message that opens its thread.
  summary(m) {
    const replies = this.threads.get(m.id) || [];
    const status = this.statusWords(m.channel, m.id);
    if (!replies.length) return status && el("p", { class: "status" }, ...this.statusLine(status));
    const faces = [...new Set(replies.map((r) => r.user))].slice(0, 4).map((id) => avatar(this.world.user(id)));
    const unread = this.unread.has(m.channel + "/" + m.id);
    return el("button", { type: "button", class: "replies" + (unread ? " unread" : ""), dataset: { testid: "thread-open" }, on: { click: () => this.openThread(m.id) } },
      ...faces, el("b", {}, count(replies.length, "reply", "replies")),
      status ? el("span", { class: "working" }, "is at work", dots()) : el("span", {}, "Last reply ", timeElement(replies.at(-1).at, timeOf(replies.at(-1).at))));
  }

  welcome() {
    const here = this.world.channels.get(this.channel);
    const bot = this.world.bot.name;
    return el("div", { class: "empty" },
      here.direct ? avatar(this.world.bot) : el("span", { class: "empty-sign" }, icon("hash", 30)),
      el("h4", {}, here.direct ? `This is you and ${bot}` : `Welcome to #${here.name}`),
      el("p", {}, here.direct ? `Whatever you write here, ${bot} answers; no mention needed.` : `Write @${bot} and a question: the answer comes in a thread, which is then a conversation of its own.`));
  }
}
