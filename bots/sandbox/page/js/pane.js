// What both panes do: know who the person is and where they are, mark what is unread,
// and draw at most once a frame.

import { avatar, el, icon, iconButton, kept } from "./dom.js";
import { call } from "./feed.js";

export class Pane {
  constructor(root, feed, service, moved) {
    this.root = root;
    this.feed = feed;
    this.service = service;
    this.moved = moved; // called when the person goes elsewhere
    this.me = "";
    this.channel = "";
    this.thread = ""; // Slack: ts of the root of the open thread
    this.unread = new Set(); // channels, and Slack threads as channel/ts
    this.mine = ""; // the message whose answer is awaited
    this.sent = Promise.resolve(); // settles when all that was sent has gone
    this.scrim = el("div", { class: "scrim", on: { click: () => this.drawer(false) } });
    this.whoSelect = el("select", { dataset: { testid: "user-select" }, "aria-label": "You are", on: { change: (e) => this.become(e.target.value) } });
    this.whoFace = el("span", { class: "who-face" });
    this.who = el("label", { class: "who" }, this.whoFace, el("span", { class: "who-words" }, el("small", {}, "You are"), this.whoSelect), icon("down", 14));
    this.menu = iconButton("menu", "Channels", () => this.drawer(true), { class: "menu", "aria-expanded": "false" });
    root.addEventListener("keydown", (e) => {
      if (e.key === "Escape") this.escape();
    });
    this.names = {
      user: (id) => this.world.users.get(id)?.name,
      channel: (id) => this.world.channels.get(id)?.name,
    };
    feed.addEventListener("change", (e) => e.detail.service === service && this.changed(e.detail));
  }

  get world() {
    return this.feed.worlds[this.service];
  }

  /** Takes the worlds anew, and the place that was asked for, if it is there. */
  reset(place = {}) {
    const w = this.world;
    const wanted = place.me || this.me || kept.get(this.service + ".me");
    this.me = w.people.some((u) => u.id === wanted) ? wanted : w.people[0]?.id || "";
    const mine = (id) => w.channels.has(id) && this.sees(w.channels.get(id));
    const first = [...w.channels.values()].find((c) => this.sees(c) && !c.direct && !c.parent) || [...w.channels.values()].find((c) => this.sees(c));
    this.channel = [place.channel, this.channel].find(mine) || first?.id || "";
    const thread = place.channel ? place.thread : this.thread;
    this.thread = thread && w.message(this.channel, thread) ? thread : "";
    this.arrived();
  }

  /** Runs what sends something once all that was sent before has gone, or has failed. */
  inTurn(send) {
    const turn = this.sent.then(send);
    this.sent = turn.catch(() => {});
    return turn;
  }

  sees(channel) {
    return !channel.direct || channel.user === this.me;
  }

  get dm() {
    return [...this.world.channels.values()].find((c) => c.direct && c.user === this.me);
  }

  become(user) {
    this.me = user;
    kept.set(this.service + ".me", user);
    const here = this.world.channels.get(this.channel);
    if (here && !this.sees(here)) this.openDM();
    this.arrived();
  }

  go(channel, thread = "") {
    if (!this.world.channels.has(channel)) return;
    this.channel = channel;
    this.thread = thread;
    this.drawer(false);
    this.arrived();
  }

  async openDM() {
    try {
      const { channel } = await call(this.service + "/dm", { user: this.me });
      // The feed may tell of the new channel later than this answer comes.
      if (!this.world.channels.has(channel)) {
        this.world.channels.set(channel, { id: channel, name: this.world.user(this.me).name, direct: true, user: this.me });
      }
      this.go(channel);
    } catch (e) {
      this.composer.fail(e.message);
    }
  }

  arrived() {
    this.markRead();
    this.draw();
    this.moved();
  }

  markRead() {
    this.unread.delete(this.channel);
    if (this.thread) this.unread.delete(this.channel + "/" + this.thread);
  }

  get shown() {
    return !document.hidden && this.root.offsetParent !== null;
  }

  changed(change) {
    const m = change.message;
    if (change.kind === "posted" && m.user !== this.me && (!m.only_for || m.only_for === this.me)) this.noteUnread(m);
    if (change.kind === "typing") setTimeout(() => this.later(), this.service === "slack" ? 120_100 : 10_100);
    this.follow(change);
    this.later();
  }

  noteUnread(m) {
    const channel = this.world.channels.get(m.channel);
    if (channel && this.sees(channel) && (m.channel !== this.channel || !this.shown)) this.unread.add(m.channel);
  }

  later() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  drawer(open) {
    if (open === this.root.hasAttribute("data-drawer")) return;
    this.root.toggleAttribute("data-drawer", open);
    this.menu.setAttribute("aria-expanded", String(open));
    if (open) this.root.querySelector(".sidebar button[aria-current]")?.focus();
    else this.menu.focus();
  }

  escape() {
    this.drawer(false);
  }

  drawWho() {
    const people = this.world.people;
    const stamp = JSON.stringify([people, this.me]);
    if (stamp === this.whoStamp) return;
    this.whoStamp = stamp;
    this.whoSelect.replaceChildren(...people.map((u) => el("option", { value: u.id, selected: u.id === this.me }, u.name)));
    this.whoSelect.value = this.me;
    const me = this.world.user(this.me);
    this.whoFace.replaceChildren(avatar(me), el("i", { class: "presence" }));
  }

  /** Replaces the entries of a list in the sidebar, and keeps the focus in it. */
  fill(list, entries) {
    const stamp = JSON.stringify(entries.map((e) => e.stamp));
    if (list.dataset.stamp === stamp) return;
    list.dataset.stamp = stamp;
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.id : "";
    list.replaceChildren(...entries.map((e) => el("li", { class: e.class }, e.node())));
    if (focused) [...list.querySelectorAll("button")].find((b) => b.dataset.id === focused)?.focus({ preventScroll: true });
  }

  /** What may be mentioned: the bot first. */
  get mentionable() {
    const people = this.world.people.filter((u) => u.id !== this.me);
    return [this.world.bot, ...people].map((u) => ({ name: u.name, detail: u.bot ? "the agent" : "" }));
  }
}

/** A person's name with the sign of a bot. */
export function nameOf(user, word) {
  return el("span", { class: "name" }, user.name, user.bot && el("span", { class: "app-tag" }, word));
}

/** Puts the sign of an edit at the end of a message's last line. */
export function markEdited(text) {
  let last = text;
  while (last.lastElementChild?.matches(".md, .blocks, p")) last = last.lastElementChild;
  last.append(el("span", { class: "edited" }, "(edited)"));
}
