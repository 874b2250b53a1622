// The Slack pane: channels and the DM on the left, a channel's messages, and a thread
// beside them.

import { avatar, count, dots, el, icon, iconButton, timeElement, timeOf } from "./dom.js";
import { call } from "./feed.js";
import { Composer, withMentions } from "./composer.js";
import { MessageList } from "./messages.js";
import { dialects, render } from "./markdown.js";
import { renderBlocks } from "./blocks.js";
import { markEdited, nameOf, Pane } from "./pane.js";

const limit = 12_000;

export class SlackPane extends Pane {
  constructor(root, feed, moved) {
    super(root, feed, "slack", moved);
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
    this.threadList.foot.append(this.threadStatus);
    const shared = { mentions: () => this.mentionable, mentionName: "bobbin", limit };
    this.composer = new Composer({ ...shared, send: (text) => this.say(text, ""), commands: () => this.commands });
    this.threadComposer = new Composer({ ...shared, testid: "thread", send: (text) => this.say(text, this.thread), commands: () => [] });
    this.threadComposer.slash.remove();
    this.threadPlace = el("span");
    this.panel = el("aside", { class: "thread", "aria-label": "Thread", dataset: { testid: "thread" }, hidden: true },
      el("header", {}, el("h3", {}, "Thread", this.threadPlace), iconButton("close", "Close the thread", () => this.closeThread(), { class: "close", dataset: { testid: "thread-close" } })),
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
        el("div", { class: "main" }, el("header", {}, this.menu, this.heading), this.list.node, this.composer.node),
        this.panel));
  }

  get commands() {
    return [
      { name: "/bobbin ask", detail: "Ask something; the answer comes in a thread" },
      { name: "/bobbin reset", detail: "Forget the conversation of this channel or DM", bare: true },
      { name: "/bobbin help", detail: "What bobbin can do", bare: true },
    ];
  }

  async say(text, thread) {
    const at = { user: this.me, channel: this.channel };
    const command = /^\/(\S*)\s*([\s\S]*)$/.exec(text);
    if (command && !thread) {
      const known = this.commands.some((c) => c.name.split(" ")[0] === "/" + command[1]);
      if (!known) throw new Error(`/${command[1]} is not a valid command. Try /bobbin help.`);
      this.mine = "";
      this.asked = this.channel;
      await call("slack/command", { ...at, name: command[1], text: command[2] });
      return;
    }
    if (command && /^\/bobbin\b/.test(text)) throw new Error("Slack runs no slash commands in threads. Just write: bobbin reads along here.");
    this.asked = "";
    const { id } = await call("slack/say", { ...at, thread, text: withMentions(text, [...this.world.users.values()]) });
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
    const replies = this.threads.get(this.thread) || [];
    const status = this.world.statusOf(this.channel, this.thread);
    const rule = replies.length ? [{ id: "replies", divider: count(replies.length, "reply", "replies") }] : [];
    if ((status ?? "") !== this.threadStatus.dataset.words) {
      this.threadStatus.dataset.words = status ?? "";
      this.threadStatus.replaceChildren(...(status ? this.statusLine(status) : []));
    }
    this.threadStatus.hidden = !status;
    this.threadList.show([root, ...rule, ...replies]);
  }

  // Slack puts the app's name before the words of its status.
  statusLine(status) {
    return [avatar(this.world.bot), el("span", {}, `${this.world.bot.name} ${status.replace(/(\.{3}|…)\s*$/, "")}`), dots()];
  }

  stamp(m, inThread) {
    const replies = inThread ? null : this.threads.get(m.id);
    const last = replies?.at(-1);
    return JSON.stringify([
      m.text, m.blocks, m.blocks ? 0 : m.edits, m.only_for,
      replies?.length, last?.at, !inThread && this.unread.has(m.channel + "/" + m.id), !inThread && this.world.statusOf(m.channel, m.id),
    ]);
  }

  message(m, grouped, inThread) {
    const user = this.world.user(m.user);
    const when = timeElement(m.at, grouped ? timeOf(m.at).replace(/\s?[AP]M$/i, "") : timeOf(m.at));
    const text = el("div", { class: "text", dataset: { testid: "message-text" } },
      (m.blocks && renderBlocks(m.blocks, this.names)) || render(m.text, dialects.mrkdwn, this.names));
    if (m.edits > 0 && !m.blocks) markEdited(text);
    return el("article", {
      class: "message" + (grouped ? " grouped" : "") + (m.only_for ? " ephemeral" : "") + (user.bot ? " by-bot" : ""),
      dataset: { testid: "message", id: m.id, user: user.name, bot: String(Boolean(user.bot)) },
    },
    m.only_for && el("p", { class: "only-you" }, icon("eye", 13), "Only visible to you"),
    el("div", { class: "gutter" }, grouped ? when : avatar(user)),
    el("div", { class: "body" }, !grouped && el("div", { class: "byline" }, nameOf(user, "APP"), when), text, !inThread && this.summary(m)),
    !inThread && !m.only_for && el("div", { class: "actions" },
      iconButton("chat", "Reply in thread", () => this.openThread(m.id), { dataset: { testid: "thread-start" } })));
  }

  openThread(id) {
    this.go(this.channel, id);
    this.threadComposer.focus();
  }

  // summary is the line under a message that opens its thread.
  summary(m) {
    const replies = this.threads.get(m.id) || [];
    const status = this.world.statusOf(m.channel, m.id);
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
