// Slack's views: the modal before a person, and the app's home.

import { el } from "./dom.js";
import { renderBlocks } from "./blocks.js";
import { collect } from "./slackelements.js";

/** The modal that is open before a person: one at a time, kept up to date. */
export class ModalView {
  /** actor(view) is for its elements; submit(fields) and close() tell the server. */
  constructor(root, names, people, { actor, submit, close }) {
    Object.assign(this, { root, names, people, actor, submit, close });
    this.stamp = "";
  }

  show(view) {
    const stamp = view ? JSON.stringify([view.id, view.hash, view.errors]) : "";
    if (stamp === this.stamp) return;
    const typed = this.dialog && this.id === view?.id ? this.typed() : new Map();
    this.stamp = stamp;
    this.id = view?.id;
    if (!view) {
      this.dialog?.remove();
      this.dialog = null;
      return;
    }
    const actor = { ...this.actor(view), form: true };
    const body = renderBlocks(view.blocks, this.names, actor, this.people(), view.errors || {}) || el("p", {}, "This view is empty.");
    this.error = el("p", { class: "composer-error", role: "alert", hidden: true, dataset: { testid: "modal-error" } });
    const form = el("form", { on: { submit: (e) => (e.preventDefault(), this.send(form)) } },
      el("header", {}, el("h3", {}, view.title?.text || "")), el("div", { class: "modal-body" }, body, this.error),
      el("footer", {},
        el("button", { type: "button", class: "bk-button", dataset: { testid: "modal-close" }, on: { click: () => this.close() } }, view.close?.text || "Cancel"),
        view.submit && el("button", { class: "bk-button primary", dataset: { testid: "modal-submit" } }, view.submit.text || "Submit")));
    if (!this.dialog) {
      this.dialog = el("dialog", { class: "modal", dataset: { testid: "modal" }, on: { cancel: (e) => (e.preventDefault(), this.close()) } });
      this.root.append(this.dialog);
    }
    this.dialog.setAttribute("aria-label", view.title?.text || "");
    this.dialog.replaceChildren(form);
    for (const node of this.fields()) if (typed.has(this.place(node))) node.value = typed.get(this.place(node));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.querySelector(".wrong :is(input, textarea, select), :is(input, textarea, select)")?.focus();
  }

  // What is in a text's box stays when the view around it changes.
  fields() {
    return this.dialog.querySelectorAll("[data-testid=element]:is(input, textarea)");
  }

  place(node) {
    return node.dataset.block + "/" + node.dataset.action;
  }

  typed() {
    return new Map([...this.fields()].map((n) => [this.place(n), n.value]));
  }

  async send(form) {
    const button = form.querySelector("[data-testid=modal-submit]");
    if (!button || button.disabled) return;
    button.disabled = true;
    try {
      await this.submit(collect(form));
    } catch (e) {
      // What is wrong with a field stands below it, once the feed has told so.
      this.error.textContent = e.message;
      this.error.hidden = e.status === 409;
    } finally {
      button.disabled = false;
    }
  }
}

/** Draws the app's home. */
export function homeView(view, bot, names, actor, people) {
  const body = view && renderBlocks(view.blocks, names, actor, people);
  return el("div", { class: "home", dataset: { testid: "home" } },
    body || el("p", { class: "home-empty" }, `${bot.name} has published nothing here yet.`));
}
