// The Discord pane: servers, channels with their threads, and the DM; replies, threads
// and deferred answers as Discord shows them.

import { avatar, count, dayOf, dots, el, icon, iconButton, timeElement, timeOf } from "./dom.js";
import { call } from "./feed.js";
import { Composer, withMentions } from "./composer.js";
import { MessageList } from "./messages.js";
import { dialects, render } from "./markdown.js";
import { markEdited, nameOf, Pane } from "./pane.js";

const limit = 2000;

export class DiscordPane extends Pane {
  constructor(root, feed, moved) {
    super(root, feed, "discord", moved);
    this.title = el("h2", { class: "workspace" });
    this.homeButton = el("button", { type: "button", class: "rail-home", on: { click: () => this.openDM() } }, el("img", { src: "bobbin.svg", alt: "" }));
    this.serverButton = el("button", { type: "button", class: "rail-server", on: { click: () => this.go(this.firstChannel?.id) } });
    this.channelList = el("ul");
    this.directList = el("ul");
    this.heading = el("h3", { class: "place" });
    this.list = new MessageList({
      label: "Messages", testid: "messages", draw: (m, grouped) => this.message(m, grouped), stamp: (m) => this.stamp(m),
      empty: { draw: () => this.welcome(), stamp: () => this.channel },
    });
    this.typing = el("p", { class: "typing", role: "status", dataset: { testid: "status" } });
    this.composer = new Composer({
      mentions: () => this.mentionable, mentionName: "bobbin", limit, send: (text) => this.say(text),
      commands: () => this.commands.map((c) => ({ name: "/" + c.name, detail: c.description, bare: !c.option })),
    });
    this.composer.node.append(this.typing);
    this.composer.box.addEventListener("input", () => this.composer.box.value.startsWith("/") && this.loadCommands());
    root.append(
      el("div", { class: "titlebar" }, el("span", {}, "Discord (stand-in)")),
      el("div", { class: "window" },
        el("nav", { class: "sidebar", "aria-label": "Discord channels" },
          el("div", { class: "rail" }, this.homeButton, el("hr"), this.serverButton),
          el("div", { class: "sidebar-column" },
            el("header", {}, this.title, iconButton("close", "Close the list of channels", () => this.drawer(false), { class: "drawer-close" })),
            el("div", { class: "places" },
              el("h3", {}, "Text channels"), this.channelList,
              el("h3", {}, "Direct messages"), this.directList),
            this.who)),
        this.scrim,
        el("div", { class: "main" }, el("header", {}, this.menu, this.heading), this.list.node, this.composer.node)));
  }

  get commands() {
    return this.world.commands.map((c) => ({ ...c, option: (c.options || []).find((o) => o.type === 3)?.name }));
  }

  // The bot registers its commands when it starts, and may change them.
  async loadCommands() {
    if (this.loaded > Date.now() - 5000) return;
    this.loaded = Date.now();
    const answer = await fetch("api/discord/commands").then((r) => r.json()).catch(() => ({}));
    this.world.commands = answer.commands || [];
    this.composer.suggest();
  }

  get firstChannel() {
    return [...this.world.channels.values()].find((c) => !c.direct && !c.parent);
  }

  async say(text) {
    const at = { user: this.me, channel: this.channel };
    const command = /^\/(\S+)\s*([\s\S]*)$/.exec(text);
    if (command) {
      await this.loadCommands();
      const known = this.commands.find((c) => c.name === command[1]);
      if (!known) throw new Error(`There is no command /${command[1]} here.`);
      const words = known.option ? command[2].replace(new RegExp(`^${known.option}:\\s*`), "") : "";
      if (known.option && !words) throw new Error(`/${known.name} needs its ${known.option}: write it after the command.`);
      await call("discord/command", { ...at, name: known.name, options: known.option ? { [known.option]: words } : {} });
    } else {
      const { id } = await call("discord/say", { ...at, reply_to: this.replyTo || "", text: withMentions(text, [...this.world.users.values()]) });
      this.mine = id;
    }
    this.answer("");
    this.list.toBottom();
    this.followMine();
  }

  async example(text) {
    const here = this.world.channels.get(this.channel);
    try {
      await this.say(here?.direct || here?.parent ? text : `@${this.world.bot.name} ${text}`);
    } catch (e) {
      this.composer.fail(e.message);
    }
  }

  // A thread that bobbin opens for what was just said is where the person wants to be.
  follow() {
    this.followMine();
  }

  followMine() {
    const thread = this.mine && this.world.channels.get(this.mine);
    if (!thread || thread.parent !== this.channel || this.composer.writing) return;
    this.mine = "";
    this.go(thread.id);
  }

  /** Picks the message that the next one replies to; none with "". */
  answer(id) {
    this.replyTo = id;
    const m = id && this.world.message(this.channel, id);
    this.composer.above.replaceChildren(...(m ? [el("div", { class: "replying" },
      el("span", {}, "Replying to ", el("b", {}, this.world.user(m.user).name)),
      iconButton("close", "Do not reply to it", () => this.answer("")))] : []));
    if (m) this.composer.focus();
  }

  async startThread(m) {
    const name = plain(m.text, this.names).slice(0, 80).trim() || "Thread";
    try {
      const { channel } = await call("discord/thread", { user: this.me, channel: this.channel, message: m.id, name });
      if (this.world.channels.has(channel)) this.go(channel);
      else this.mine = m.id;
    } catch (e) {
      this.composer.fail(e.message);
    }
  }

  go(channel, thread) {
    if (channel !== this.channel) this.answer("");
    super.go(channel, thread);
  }

  escape() {
    if (this.root.hasAttribute("data-drawer")) this.drawer(false);
    else if (this.replyTo) this.answer("");
  }

  draw() {
    const w = this.world;
    const here = w.channels.get(this.channel);
    if (!here) return;
    this.title.textContent = w.name;
    this.drawWho();
    this.drawRail(here);
    const entry = (c, face, label, props, nested) => ({
      stamp: [c?.id, label, nested, c?.id === this.channel, c && this.unread.has(c.id)],
      class: [nested && "nested", c && this.unread.has(c.id) && "unread"].filter(Boolean).join(" ") || undefined,
      node: () => el("button", {
        type: "button", "aria-current": c?.id === this.channel ? "page" : undefined, ...props,
        on: { click: () => (c ? this.go(c.id) : this.openDM()) },
      }, face(), el("span", { class: "label" }, label), c && this.unread.has(c.id) && el("span", { class: "dot" }, el("span", { class: "hidden-words" }, "unread"))),
    });
    const channels = [...w.channels.values()];
    this.fill(this.channelList, channels.filter((c) => !c.direct && !c.parent).flatMap((c) => [
      entry(c, () => icon("hash", 18), c.name, { dataset: { testid: "channel", id: c.id, name: c.name } }),
      ...channels.filter((t) => t.parent === c.id).map((t) =>
        entry(t, () => el("span", { class: "branch" }), t.name, { title: t.name, dataset: { testid: "channel-thread", id: t.id, name: t.name } }, true)),
    ]));
    this.fill(this.directList, [entry(this.dm, () => avatar(w.bot), w.bot.name, { dataset: { testid: "dm", id: "dm" } })]);

    const place = here.id + here.name;
    if (this.placeStamp !== place) {
      this.placeStamp = place;
      const parent = here.parent && w.channels.get(here.parent);
      this.heading.replaceChildren(...(here.direct ? [avatar(w.bot), nameOf(w.bot, "APP")]
        : parent ? [icon("hash", 20), el("button", { type: "button", class: "crumb", on: { click: () => this.go(parent.id) } }, parent.name), el("span", { class: "crumb-sep", "aria-hidden": "true" }, "›"), icon("thread", 18), el("span", { class: "crumb-here" }, here.name)]
        : [icon("hash", 20), here.name]));
      this.list.clear();
    }
    this.composer.moveTo(this.channel, here.direct ? `Message @${w.bot.name}` : here.parent ? `Message "${here.name}"` : `Message #${here.name}`);
    this.list.show(w.seenBy(this.me, this.channel));
    const busy = w.statusOf(this.channel) !== undefined;
    if (busy !== (this.typing.dataset.busy === "true")) {
      this.typing.dataset.busy = String(busy);
      this.typing.replaceChildren(...(busy ? [dots(), el("b", {}, w.bot.name), " is typing…"] : []));
    }
  }

  drawRail(here) {
    const w = this.world;
    const initials = w.name.split(/\s+/).map((s) => s[0] || "").join("").slice(0, 3);
    if (this.serverButton.textContent !== initials) {
      this.serverButton.textContent = initials;
      this.serverButton.setAttribute("aria-label", w.name);
      this.serverButton.title = w.name;
      this.homeButton.setAttribute("aria-label", `Direct message with ${w.bot.name}`);
      this.homeButton.title = "Direct messages";
    }
    this.homeButton.toggleAttribute("data-here", Boolean(here.direct));
    this.serverButton.toggleAttribute("data-here", !here.direct);
  }

  stamp(m) {
    const to = m.reply_to && this.world.message(m.channel, m.reply_to);
    const thread = this.world.channels.get(m.id);
    return JSON.stringify([
      m.text, m.pending, m.edits > 0, m.only_for, m.reply_to && (to ? to.text.slice(0, 200) : "gone"),
      thread?.parent && [thread.name, this.world.messages.get(thread.id)?.size, this.unread.has(thread.id)], this.me,
    ]);
  }

  message(m, grouped) {
    const user = this.world.user(m.user);
    const day = dayOf(m.at);
    const when = timeElement(m.at, grouped ? timeOf(m.at) : day === "Today" || day === "Yesterday" ? `${day} at ${timeOf(m.at)}` : `${day}, ${timeOf(m.at)}`);
    const to = m.reply_to && this.world.message(m.channel, m.reply_to);
    // A bot's mentions do not ping unless it asks for that, and bobbin never does.
    const forMe = m.user !== this.me && !user.bot && (m.text.includes(`<@${this.me}>`) || to?.user === this.me);
    const text = m.pending
      ? el("div", { class: "text thinking", dataset: { testid: "pending" } }, dots(), `${user.name} is thinking…`)
      : el("div", { class: "text", dataset: { testid: "message-text" } }, render(m.text, dialects.discord, this.names));
    if (m.edits > 0 && !m.pending && !m.only_for) markEdited(text);
    const here = this.world.channels.get(this.channel);
    return el("article", {
      class: "message" + (grouped ? " grouped" : "") + (m.only_for ? " ephemeral" : "") + (forMe ? " for-me" : "") + (user.bot ? " by-bot" : ""),
      dataset: { testid: "message", id: m.id, user: user.name, bot: String(Boolean(user.bot)) },
    },
    m.reply_to && this.reference(to),
    el("div", { class: "gutter" }, grouped ? when : avatar(user)),
    el("div", { class: "body" }, !grouped && el("div", { class: "byline" }, nameOf(user, "APP"), when), text,
      m.only_for && el("p", { class: "only-you" }, icon("eye", 14), "Only you can see this"), this.chip(m)),
    !m.only_for && !m.pending && el("div", { class: "actions" },
      iconButton("reply", "Reply", () => this.answer(m.id), { dataset: { testid: "reply" } }),
      !here?.direct && !here?.parent && !this.world.channels.has(m.id) &&
        iconButton("thread", "Create thread", () => this.startThread(m), { dataset: { testid: "new-thread" } })));
  }

  // reference is the line above a reply that shows what it answers.
  reference(to) {
    if (!to) return el("p", { class: "reference" }, el("i", { class: "elbow" }), el("em", {}, "Original message was deleted"));
    const user = this.world.user(to.user);
    return el("button", { type: "button", class: "reference", dataset: { testid: "reference" }, on: { click: () => this.jumpTo(to.id) } },
      el("i", { class: "elbow" }), avatar(user), el("b", {}, user.name), el("span", {}, plain(to.text, this.names).slice(0, 120)));
  }

  jumpTo(id) {
    const row = [...this.list.list.querySelectorAll("[data-id]")].find((n) => n.dataset.id === id);
    row?.scrollIntoView({ block: "center", behavior: "smooth" });
    row?.classList.add("flash");
    setTimeout(() => row?.classList.remove("flash"), 1500);
  }

  // chip opens the thread that starts from a message: it has the message's id.
  chip(m) {
    const thread = this.world.channels.get(m.id);
    if (!thread?.parent) return null;
    const n = this.world.messages.get(thread.id)?.size || 0;
    return el("button", { type: "button", class: "thread-chip" + (this.unread.has(thread.id) ? " unread" : ""), dataset: { testid: "thread-chip" }, on: { click: () => this.go(thread.id) } },
      icon("thread", 16), el("b", {}, thread.name), el("span", {}, count(n, "message", "messages") + " ›"));
  }

  welcome() {
    const here = this.world.channels.get(this.channel);
    const bot = this.world.bot.name;
    return el("div", { class: "empty" },
      here.direct ? avatar(this.world.bot) : el("span", { class: "empty-sign" }, icon(here.parent ? "thread" : "hash", 34)),
      el("h4", {}, here.direct ? bot : here.parent ? here.name : `Welcome to #${here.name}!`),
      el("p", {}, here.direct ? `Whatever you write here, ${bot} answers; no mention needed.`
        : here.parent ? `This thread is a conversation of its own; ${bot} reads along.` : `Mention @${bot}, reply to it, or type /ask.`));
  }
}

/** A message in one line, without its mark-up. */
function plain(text, names) {
  return text
    .replace(/<@!?(\d+)>/g, (_, id) => "@" + (names.user(id) || "someone"))
    .replace(/```[\w+#.-]*\n?|[*_~`|]{2,}|(?<!\w)[*_`]|[*_`](?!\w)|^#{1,3} |^> /gm, "")
    .replace(/\s+/g, " ");
}
