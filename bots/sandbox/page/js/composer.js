// The box in which a person writes: grows with its text, offers mentions and slash
// commands, keeps a draft for each place, and sends with Enter.

import { el, icon, iconButton } from "./dom.js";

let boxes = 0;

export class Composer {
  /**
   * send(text) resolves when the text has gone, or rejects with words to show; it is called
   * at once, also while what was sent before is still under way.
   * commands() → [{name, detail}], names without arguments, such as "/bobbin ask".
   * mentions() → [{name, detail}], names without @.
   * hints(before) → what else to offer for the text before the caret, or nothing:
   * [{label, detail, from, put}], where put replaces the text from there on.
   * files: whether files can be attached; send(text, files) then gets them.
   */
  constructor({ testid, send, commands, mentions, mentionName, limit, hints, files }) {
    this.hints = hints;
    this.files = []; // attached, not sent yet
    this.send = send;
    this.commands = commands;
    this.mentions = mentions;
    this.limit = limit;
    this.drafts = new Map();
    this.place = "";
    this.quiet = false; // whether the person has done with the list, until they type on
    this.items = [];
    this.chosen = 0;
    const id = "composer-" + ++boxes;
    this.prefix = testid ? testid + "-" : "";
    this.list = el("ul", { class: "suggestions", id: id + "-list", role: "listbox", "aria-label": "Suggestions", hidden: true });
    this.box = el("textarea", {
      rows: 1, id, dataset: { testid: this.prefix + "composer" }, "aria-autocomplete": "list", "aria-controls": id + "-list",
      "aria-expanded": "false", role: "combobox", "aria-haspopup": "listbox", autocomplete: "off", spellcheck: "true",
      on: {
        input: () => {
          this.quiet = false;
          this.changed();
        },
        keydown: (e) => this.key(e),
        // Tools that type for people may send the character apart from its key.
        keypress: (e) => e.key === "Enter" && !e.shiftKey && e.preventDefault(),
        click: () => this.suggest(),
        blur: () => this.close(),
      },
    });
    this.error = el("p", { class: "composer-error", role: "alert", id: id + "-error", hidden: true, dataset: { testid: this.prefix + "error" } });
    this.count = el("span", { class: "composer-count", hidden: true });
    this.button = iconButton("send", "Send", () => this.go(), { class: "send", dataset: { testid: this.prefix + "send" } });
    this.picker = el("input", { type: "file", multiple: true, hidden: true, dataset: { testid: this.prefix + "files" }, on: { change: () => this.attach(this.picker.files) } });
    this.clip = files && iconButton("clip", "Attach files", () => this.picker.click(), { class: "tool", dataset: { testid: this.prefix + "attach" } });
    this.attached = el("ul", { class: "attached", hidden: true, "aria-label": "Files to send", dataset: { testid: this.prefix + "attached" } });
    if (files) {
      this.box.addEventListener("paste", (e) => e.clipboardData.files.length && (e.preventDefault(), this.attach(e.clipboardData.files)));
    }
    const mouse = { mousedown: (e) => e.preventDefault() }; // the box keeps the focus
    this.at = iconButton("at", `Mention ${mentionName}`, () => this.insert(`@${mentionName} `), { class: "tool" });
    this.slash = iconButton("slash", "Slash commands", () => this.startCommand(), { class: "tool" });
    for (const b of [this.at, this.slash, this.list]) b.addEventListener("mousedown", mouse.mousedown);
    this.above = el("div", { class: "composer-above" });
    this.node = el("div", { class: "composer" }, this.list, this.above, this.attached,
      el("div", { class: "composer-box" }, this.box, el("div", { class: "composer-tools" }, this.clip, this.at, this.slash, this.count, this.button)),
      files && this.picker,
      this.error);
    this.changed();
  }

  /** Moves the box to another place, with the draft that was left there. */
  moveTo(place, placeholder) {
    this.box.placeholder = placeholder;
    this.box.setAttribute("aria-label", placeholder);
    if (place === this.place) return;
    const here = this.box.value;
    if (this.place) this.drafts.set(this.place, here);
    this.box.value = this.drafts.get(place) || (this.place ? "" : here); // nowhere is where the page begins
    this.place = place;
    this.fail("");
    this.changed();
    this.close();
  }

  focus() {
    this.box.focus({ preventScroll: true });
  }

  insert(text) {
    const { selectionStart: from, selectionEnd: to, value } = this.box;
    const gap = from > 0 && !/\s$/.test(value.slice(0, from)) ? " " : "";
    this.box.setRangeText(gap + text, from, to, "end");
    this.focus();
    this.changed();
  }

  startCommand() {
    if (!this.box.value.startsWith("/")) this.box.value = "/";
    this.box.setSelectionRange(this.box.value.length, this.box.value.length);
    this.focus();
    this.changed();
  }

  changed() {
    const box = this.box;
    box.style.height = "auto";
    // Nothing can be measured in a pane that is not shown.
    if (box.scrollHeight) box.style.height = Math.min(box.scrollHeight, 200) + "px";
    const length = box.value.length;
    this.button.disabled = (!box.value.trim() && !this.files.length) || length > this.limit;
    this.count.hidden = length < this.limit * 0.9;
    this.count.textContent = String(this.limit - length);
    this.count.classList.toggle("over", length > this.limit);
    if (document.activeElement === box) this.suggest();
  }

  /** Adds files to what is sent next; with none it takes all away. */
  attach(list) {
    this.files = list ? [...this.files, ...list] : [];
    this.picker.value = "";
    this.attached.hidden = !this.files.length;
    this.attached.replaceChildren(...this.files.map((f) =>
      el("li", {}, icon("file", 16), el("span", {}, f.name), iconButton("close", `Do not send ${f.name}`, () => {
        this.files = this.files.filter((o) => o !== f);
        this.attach([]);
      }))));
    this.changed();
  }

  fail(words) {
    this.error.textContent = words;
    this.error.hidden = !words;
  }

  /** Whether words stand here that the person has not sent. */
  get writing() {
    return Boolean(this.box.value.trim());
  }

  async go() {
    const text = this.box.value.trim();
    if ((!text && !this.files.length) || this.button.disabled) return;
    const { place, files } = this;
    this.close();
    this.fail("");
    // The box is free at once: people who type fast begin the next message before this one has gone.
    this.box.value = "";
    this.attach(null);
    try {
      await this.send(text, files);
    } catch (e) {
      this.giveBack(place, text, files);
      this.fail(e.message);
    }
  }

  // giveBack puts what could not be sent before what was written since.
  giveBack(place, text, files) {
    const joined = (rest) => [text, rest].filter((s) => s && s.trim()).join("\n");
    if (this.place === place) {
      this.box.value = joined(this.box.value);
      this.files = [...files, ...this.files];
      this.attach([]);
    } else this.drafts.set(place, joined(this.drafts.get(place)));
  }

  key(e) {
    if (e.isComposing) return;
    if (!this.list.hidden) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
      if (step) {
        e.preventDefault();
        this.choose((this.chosen + step + this.items.length) % this.items.length);
        return;
      }
      if ((e.key === "Tab" && !e.shiftKey) || (e.key === "Enter" && !e.shiftKey && !this.complete())) {
        e.preventDefault();
        this.take(this.chosen);
        return;
      }
      if (e.key === "Escape") {
        e.preventDefault();
        e.stopPropagation();
        this.quiet = true;
        this.close();
        return;
      }
    }
    if (e.key === "Enter" && !e.shiftKey) {
      e.preventDefault();
      this.go();
    }
  }

  // complete reports whether what is chosen stands in the box already.
  complete() {
    return this.box.value.slice(0, this.box.selectionStart).endsWith(this.items[this.chosen].full);
  }

  /** Draws the list again because what can be offered has changed; the choice stays. */
  refresh() {
    if (this.quiet || document.activeElement !== this.box) return;
    const chosen = !this.list.hidden && this.items[this.chosen].put;
    this.suggest();
    const i = this.items.findIndex((item) => item.put === chosen);
    if (!this.list.hidden && i > 0) this.choose(i);
  }

  suggest() {
    const before = this.box.value.slice(0, this.box.selectionStart);
    const mention = /(?:^|[\s(])@([\p{L}\p{N}_.-]{0,32})$/u.exec(before);
    let items = this.hints?.(before) || [];
    if (items.length) {
      items = items.map((item) => ({ full: item.put.trimEnd(), ...item }));
    } else if (before.startsWith("/") && !before.includes("\n")) {
      items = this.commands()
        .filter((c) => c.name.startsWith(before.toLowerCase()))
        .map((c) => ({ label: c.name, detail: c.detail, from: 0, full: c.name, put: c.name + (c.bare ? "" : " ") }));
    } else if (mention) {
      const from = before.length - mention[1].length - 1;
      items = this.mentions()
        .filter((m) => m.name.toLowerCase().startsWith(mention[1].toLowerCase()))
        .map((m) => ({ label: "@" + m.name, detail: m.detail, from, full: "@" + m.name, put: `@${m.name} ` }));
    }
    items = items.slice(0, 10);
    if (!items.length) return this.close();
    this.items = items;
    this.list.replaceChildren(...items.map((item, i) =>
      el("li", {
        id: `${this.list.id}-${i}`, role: "option", dataset: { testid: "suggestion" },
        on: { click: () => this.take(i), mousemove: () => this.chosen !== i && this.choose(i) },
      }, el("b", {}, item.label), el("span", {}, item.detail || ""))));
    this.list.hidden = false;
    this.box.setAttribute("aria-expanded", "true");
    this.choose(0);
  }

  choose(i) {
    this.chosen = i;
    [...this.list.children].forEach((li, n) => li.setAttribute("aria-selected", String(n === i)));
    this.box.setAttribute("aria-activedescendant", this.list.children[i].id);
  }

  take(i) {
    const item = this.items[i];
    this.box.setRangeText(item.put, item.from, this.box.selectionStart, "end");
    this.close();
    this.focus();
    this.changed();
    this.quiet = true;
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.box.setAttribute("aria-expanded", "false");
    this.box.removeAttribute("aria-activedescendant");
  }
}

/** Turns @name of the users into <@id>, where it is a word of its own. */
export function withMentions(text, users) {
  const ids = new Map(users.map((u) => [u.name.toLowerCase(), u.id]));
  return text.replace(/(^|[\s(,;:])@([\p{L}\p{N}_.-]+)/gu, (all, gap, name) => {
    const bare = name.replace(/[.-]+$/, "");
    const id = ids.get(bare.toLowerCase());
    return id ? `${gap}<@${id}>${name.slice(bare.length)}` : all;
  });
}
