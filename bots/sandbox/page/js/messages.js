// A list of messages that changes in place: only what changed is drawn again, and the
// view stays at the bottom while it is there.

import { dayOf, el, icon } from "./dom.js";

const near = 48; // px from the bottom that count as being there
const together = 5 * 60_000; // messages of one user this close form a group
const liveFor = 1600; // ms for which a changed message shows that it is changing

export class MessageList {
  /**
   * A message is one of the world's, or {id, divider: words} for a line across.
   * draw(message, grouped) makes a message's element; stamp(message) is a string that
   * differs when it has to be drawn again.
   */
  constructor({ label, testid, draw, stamp, empty }) {
    this.draw = draw;
    this.stamp = stamp;
    this.empty = empty;
    this.rows = new Map(); // key → {node, stamp, edits, timer}
    this.pinned = true;
    this.foot = el("div", { class: "list-foot" });
    this.list = el("div", { class: "messages", role: "log", "aria-label": label, "aria-live": "polite", "aria-relevant": "additions", dataset: { testid } });
    this.inner = el("div", { class: "scroll-inner" }, this.list, this.foot);
    this.scroller = el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, this.inner);
    this.jump = el("button", { type: "button", class: "jump", hidden: true, on: { click: () => this.toBottom() } }, icon("arrow", 14), "Latest messages");
    this.node = el("div", { class: "scroll-frame" }, this.scroller, this.jump);
    this.scroller.addEventListener("scroll", () => {
      this.pinned = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < near;
      if (this.pinned) this.jump.hidden = true;
    });
    const keep = new ResizeObserver(() => this.pinned && this.toBottom());
    keep.observe(this.scroller);
    keep.observe(this.inner);
  }

  toBottom() {
    this.pinned = true;
    this.jump.hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /** Forgets what is shown, as for another channel. */
  clear() {
    for (const row of this.rows.values()) clearTimeout(row.timer);
    this.rows.clear();
    this.list.replaceChildren();
    this.pinned = true;
    this.jump.hidden = true;
  }

  show(messages) {
    const wanted = [];
    let before = null;
    let today = "";
    for (const m of messages) {
      if (m.divider) {
        wanted.push({ key: m.id, stamp: m.divider, make: () => el("div", { class: "replies-rule", role: "separator" }, el("span", {}, m.divider)) });
        before = null;
        continue;
      }
      const day = dayOf(m.at);
      if (day !== today) {
        today = day;
        wanted.push({ key: "day " + day, stamp: "", make: () => el("div", { class: "day", role: "separator" }, el("span", {}, day)) });
        before = null;
      }
      const grouped =
        before && before.user === m.user && !m.reply_to && !m.used && before.only_for === m.only_for && Date.parse(m.at) - Date.parse(before.at) < together;
      wanted.push({
        key: m.id, edits: m.edits || 0, stamp: JSON.stringify([this.stamp(m), Boolean(grouped)]), make: () => this.draw(m, Boolean(grouped)),
      });
      before = m;
    }
    if (!messages.length && this.empty) wanted.push({ key: "empty", stamp: this.empty.stamp?.() || "", make: () => this.empty.draw() });

    const keys = new Set(wanted.map((w) => w.key));
    for (const [key, row] of this.rows) {
      if (keys.has(key)) continue;
      clearTimeout(row.timer);
      row.node.remove();
      this.rows.delete(key);
    }
    let added = false;
    let at = this.list.firstChild;
    for (const w of wanted) {
      let row = this.rows.get(w.key);
      if (!row) {
        row = { node: w.make(), stamp: w.stamp, edits: w.edits };
        this.rows.set(w.key, row);
        added = true;
      } else if (row.stamp !== w.stamp) {
        const focused = row.node.contains(document.activeElement) ? document.activeElement.dataset.testid : "";
        const node = w.make();
        if (row.node === at) at = node;
        row.node.replaceWith(node);
        row.node = node;
        row.stamp = w.stamp;
        if (focused) node.querySelector(`[data-testid="${focused}"]`)?.focus({ preventScroll: true });
        if (w.edits !== row.edits) this.alive(row);
        else if (row.timer) node.classList.add("is-live");
        row.edits = w.edits;
      }
      if (row.node === at) at = at.nextSibling;
      else this.list.insertBefore(row.node, at);
    }
    if (this.pinned) this.toBottom();
    else if (added) this.jump.hidden = false;
  }

  alive(row) {
    clearTimeout(row.timer);
    row.node.classList.add("is-live");
    row.timer = setTimeout(() => {
      row.timer = 0;
      row.node.classList.remove("is-live");
    }, liveFor);
  }
}
