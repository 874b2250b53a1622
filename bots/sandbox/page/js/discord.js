// The Discord pane: servers, channels with their threads, and the DM; replies, threads
// and deferred answers as Discord shows them.

import { avatar, count, dayOf, dots, el, icon, iconButton, timeElement, timeOf } from "./dom.js";
import { call, readFiles } from "./feed.js";
import { Composer, withMentions } from "./composer.js";
import { hints, leaves, parse, wrong } from "./discordcommands.js";
import { components, editor, files, modal, reactions } from "./discordparts.js";
import { MessageList } from "./messages.js";
import { dialects, render } from "./markdown.js";
import { markEdited, nameOf, Pane } from "./pane.js";
import { popup } from "./popup.js";

const limit = 2000;
const quick = ["👍", "👎", "❤️", "😂", "🎉", "👀", "🤔", "✅"];

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
      mentions: () => this.mentionable, mentionName: "bobbin", limit, files: true, send: (text, picked) => this.say(text, picked),
      commands: () => leaves(this.commands).map((c) => ({ name: "/" + c.name, detail: c.description, bare: !c.options.length })),
      hints: (before) => hints(before, this.commands, this.world.people, (q) => this.suggested(q)),
    });
    this.commands = [];
    this.ideas = { key: "", list: [] }; // what the bot suggests for an option
    this.failed = new Map(); // message → what went wrong when something on it was used
    this.editing = ""; // the message that is being edited
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

  get at() {
    return { user: this.me, channel: this.channel };
  }

  // The bot registers its commands when it starts, and may change them.
  async loadCommands() {
    const key = this.me + this.channel;
    if (this.loaded?.key !== key || this.loaded.at < Date.now() - 5000) {
      this.loaded = { key, at: Date.now(), done: this.fetchCommands(key) };
    }
    await this.loaded.done;
  }

  async fetchCommands(key) {
    const answer = await fetch("api/discord/commands?" + new URLSearchParams(this.at)).then((r) => r.json()).catch(() => ({}));
    if (this.loaded.key !== key) return;
    const before = JSON.stringify(this.commands);
    this.commands = answer.commands || [];
    if (before === JSON.stringify(this.commands)) return;
    this.composer.refresh();
    this.later(); // names may open a menu now
  }

  // suggested is what the bot suggests for an option, as far as it is known: it is
  // asked once the person pauses, and the list drawn again when it has answered.
  suggested(q) {
    const key = JSON.stringify(q);
    if (this.ideas.key === key) return this.ideas.list;
    const old = this.ideas.list;
    this.ideas = { key, list: old };
    clearTimeout(this.asking);
    this.asking = setTimeout(async () => {
      const { choices } = await call("discord/suggest", { ...this.at, ...q }).catch(() => ({}));
      if (this.ideas.key !== key) return;
      this.ideas.list = choices || [];
      this.composer.refresh();
    }, 200);
    return old;
  }

  get firstChannel() {
    return [...this.world.channels.values()].find((c) => !c.direct && !c.parent);
  }

  async say(text, picked = []) {
    const { at, replyTo } = this;
    this.answer("");
    try {
      await this.inTurn(async () => {
        const list = await readFiles(picked);
        if (/^\/\S/.test(text)) await this.command(at, text, list);
        else this.mine = (await call("discord/say", { ...at, reply_to: replyTo || "", text: withMentions(text, [...this.world.users.values()]), files: list })).id;
      });
    } catch (e) {
      if (this.channel === at.channel && !this.replyTo) this.answer(replyTo || "");
      throw e;
    }
    this.list.toBottom();
    this.followMine();
  }

  async command(at, text, list) {
    await this.loadCommands();
    const p = parse(text, this.commands);
    if (!p) {
      const name = /^\/(\S+)/.exec(text)[1];
      const parts = leaves(this.commands).filter((c) => c.name.startsWith(name + " ")).map((c) => "/" + c.name);
      throw new Error(parts.length ? `/${name} is used as ${parts.join(" or ")}.` : `There is no command /${name} here.`);
    }
    const fault = wrong(p, list);
    if (fault) throw new Error(fault);
    const places = p.command.options.filter((o) => o.type === 11);
    const values = Object.fromEntries(Object.entries(p.values).filter(([, v]) => v));
    clearTimeout(this.asking);
    this.opened(await call("discord/command", { ...at, name: p.command.name, options: values, files: list.map((f, i) => ({ ...f, option: places[i].name })) }));
  }

  // opened shows the form that an answer may hold.
  opened(answer) {
    if (!answer.modal) return;
    const user = this.me;
    modal(this.root, this.world.bot, answer.modal,
      async (options) => this.opened(await call("discord/submit", { user, options })),
      () => call("discord/close", { user }).catch(() => {}));
  }

  // use acts on something of a message, and keeps what went wrong below it.
  async use(m, path, what) {
    this.failed.delete(m.id);
    try {
      this.opened(await call("discord/" + path, { ...this.at, message: m.id, ...what }));
    } catch (e) {
      this.failed.set(m.id, e.message);
    }
    this.presses = (this.presses || 0) + 1; // draws the buttons again, ready to be pressed
    this.later();
  }

  async showApps(anchor, type, heading, run) {
    await this.loadCommands();
    const apps = this.commands.filter((c) => c.type === type);
    popup(this.root, anchor, [{ heading }, ...apps.map((c) => ({ label: c.name, detail: this.world.bot.name, act: () => run(c.name) }))]);
  }

  showEmoji(anchor, m) {
    popup(this.root, anchor, quick.map((emoji) => ({ label: emoji, title: `React with ${emoji}`, act: () => this.use(m, "react", { name: emoji }) })), "palette");
  }

  startEdit(m) {
    this.editing = m.id;
    this.edited = undefined; // what was typed so far
    this.draw();
    const box = this.list.list.querySelector(".edit-box");
    box?.focus();
    box?.setSelectionRange(box.value.length, box.value.length);
  }

  editor(m) {
    const finish = () => {
      this.editing = "";
      this.draw();
      this.composer.focus();
    };
    const mentions = m.text.replace(/<@!?(\d+)>/g, (all, id) => (this.names.user(id) ? "@" + this.names.user(id) : all));
    return editor(this.edited ?? mentions, (typed) => (this.edited = typed), finish, async (typed) => {
      const text = withMentions(typed.trim(), [...this.world.users.values()]);
      if (text && text !== m.text) await this.use(m, "edit", { text });
      finish();
    });
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
      // The feed may tell of the new thread later than this answer comes.
      if (!this.world.channels.has(channel)) this.world.channels.set(channel, { id: channel, name, parent: m.channel });
      this.go(channel);
    } catch (e) {
      this.composer.fail(e.message);
    }
  }

  go(channel, thread) {
    if (channel !== this.channel) {
      this.answer("");
      this.editing = "";
    }
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
    this.loadCommands();
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
      m.text, m.pending, m.edits > 0, m.only_for, m.components, m.components && this.presses, this.commands.some((c) => c.type === 2), m.files, m.reactions, m.used, this.failed.get(m.id), this.editing === m.id, m.reply_to && (to ? to.text.slice(0, 200) : "gone"),
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
    const bare = !m.text && (m.files?.length || m.components);
    const text = this.editing === m.id ? this.editor(m) : bare ? null : m.pending
      ? el("div", { class: "text thinking", dataset: { testid: "pending" } }, dots(), `${user.name} is thinking…`)
      : el("div", { class: "text", dataset: { testid: "message-text" } }, render(m.text, dialects.discord, this.names));
    if (m.edits > 0 && !m.pending && !m.only_for && text && this.editing !== m.id) markEdited(text);
    const here = this.world.channels.get(this.channel);
    return el("article", {
      class: "message" + (grouped ? " grouped" : "") + (m.only_for ? " ephemeral" : "") + (forMe ? " for-me" : "") + (user.bot ? " by-bot" : ""),
      dataset: { testid: "message", id: m.id, user: user.name, bot: String(Boolean(user.bot)) },
    },
    m.used ? this.usedLine(m) : m.reply_to && this.reference(to),
    el("div", { class: "gutter" }, grouped ? when : avatar(user)),
    el("div", { class: "body" }, !grouped && el("div", { class: "byline" }, this.userButton(user), when), text,
      files(m.files, "api/discord"),
      components(m.components || "", this.world.people, (path, what) => this.use(m, path, what)),
      this.failed.has(m.id) && el("p", { class: "failed", role: "alert", dataset: { testid: "failed" } }, this.failed.get(m.id)),
      reactions(m.reactions, this.me, this.names, (emoji, on) => this.use(m, on ? "react" : "unreact", { name: emoji })),
      m.only_for && el("p", { class: "only-you" }, icon("eye", 14), "Only you can see this •",
        el("button", { type: "button", class: "plain", dataset: { testid: "dismiss" }, on: { click: () => this.use(m, "delete", {}) } }, "Dismiss message")),
      this.chip(m)),
    !m.only_for && !m.pending && el("div", { class: "actions" },
      iconButton("smile", "Add reaction", (e) => this.showEmoji(e.currentTarget, m), { dataset: { testid: "react" } }),
      iconButton("apps", "Apps", (e) => this.showApps(e.currentTarget, 3, "Apps", (name) => this.use(m, "menu", { name })), { dataset: { testid: "apps" } }),
      m.user === this.me && iconButton("edit", "Edit", () => this.startEdit(m), { dataset: { testid: "edit" } }),
      m.user === this.me && iconButton("trash", "Delete message", () => this.use(m, "delete", {}), { dataset: { testid: "delete" } }),
      iconButton("reply", "Reply", () => this.answer(m.id), { dataset: { testid: "reply" } }),
      !here?.direct && !here?.parent && !this.world.channels.has(m.id) &&
        iconButton("thread", "Create thread", () => this.startThread(m), { dataset: { testid: "new-thread" } })));
  }

  // userButton is a person's name, which opens what apps can do with them.
  userButton(user) {
    if (user.bot || !this.commands.some((c) => c.type === 2)) return nameOf(user, "APP");
    return el("button", { type: "button", class: "name-button", title: `Apps for ${user.name}`, dataset: { testid: "user-apps" }, on: { click: (e) =>
      this.showApps(e.currentTarget, 2, `Apps for ${user.name}`, async (name) => {
        try {
          this.opened(await call("discord/menu", { ...this.at, name, target: user.id }));
        } catch (err) {
          this.composer.fail(err.message);
        }
      }) } }, nameOf(user, "APP"));
  }

  // usedLine is the line above an answer that shows what was used.
  usedLine(m) {
    const user = this.world.user(m.used_by);
    return el("p", { class: "reference used", dataset: { testid: "used" } }, el("i", { class: "elbow" }), avatar(user), el("b", {}, user.name), " used ", el("span", { class: "used-name" }, m.used));
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
