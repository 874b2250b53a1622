// What hangs below a Slack message beside its blocks: files, reactions, task cards.

import { count, el, icon } from "./dom.js";

// A few of Slack's names for emoji; the others are shown by their name.
const emoji = {
  "+1": "👍", thumbsup: "👍", "-1": "👎", thumbsdown: "👎", heart: "❤️", eyes: "👀", tada: "🎉", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌",
  question: "❓", bulb: "💡", rocket: "🚀", smile: "😄", joy: "😂", thinking_face: "🤔", wave: "👋", pray: "🙏", fire: "🔥", hourglass_flowing_sand: "⏳",
  robot_face: "🤖", arrows_counterclockwise: "🔄", octagonal_sign: "🛑", warning: "⚠️", memo: "📝", thread: "🧵", hourglass: "⌛", mag: "🔍", raised_hands: "🙌", 100: "💯",
};

export const emojiOf = (name) => emoji[name.replace(/::skin-tone-\d$/, "")] || `:${name}:`;

/** The emoji that a person is offered first. */
export const common = ["+1", "-1", "heart", "eyes", "tada", "white_check_mark", "thinking_face", "rocket"];

/** Draws the reactions of a message; toggle(name, on) puts one of mine there, or takes it away. */
export function reactions(list, me, names, toggle) {
  if (!list?.length) return null;
  return el("div", { class: "reactions" }, ...list.map((r) => {
    const mine = r.users.includes(me);
    return el("button", {
      type: "button", class: "reaction" + (mine ? " mine" : ""), "aria-pressed": String(mine),
      title: `${r.users.map((u) => names.user(u) || "someone").join(", ")} reacted with :${r.emoji}:`,
      "aria-label": `${r.emoji}, ${count(r.users.length, "reaction", "reactions")}`, dataset: { testid: "reaction", emoji: r.emoji },
      on: { click: () => toggle(r.emoji, !mine) },
    }, el("span", { class: "emoji" }, emojiOf(r.emoji)), el("b", {}, String(r.users.length)));
  }));
}

const sizeOf = (n) => (n < 1024 ? `${n} bytes` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} kB` : `${(n / (1 << 20)).toFixed(1)} MB`);

/** Draws the files of a message. */
export function files(list) {
  if (!list?.length) return null;
  return el("div", { class: "files" }, ...list.map((f) => {
    const url = "api/slack/files/" + encodeURIComponent(f.id);
    const type = f.type || "";
    if (/^image\/(png|jpeg|gif|webp)$/.test(type)) {
      return el("a", { href: url, target: "_blank", rel: "noopener", class: "file-image", title: f.name, dataset: { testid: "file" } },
        el("img", { src: url, alt: f.name, loading: "lazy" }));
    }
    return el("div", { class: "file", dataset: { testid: "file" } }, icon(type.startsWith("audio/") ? "mic" : "file", 24),
      el("div", {}, el("a", { href: url, download: f.name }, f.name), el("small", {}, `${type || "file"} · ${sizeOf(f.size)}`)),
      type.startsWith("audio/") && el("audio", { src: url, controls: true, preload: "none" }));
  }));
}

const states = { pending: "waits", in_progress: "is at work", complete: "done", error: "failed" };

/** Draws a task card: a step that the app shows. rich draws rich text. */
export function task(t, rich) {
  const status = t.status in states ? t.status : "pending";
  const sign = { complete: icon("check", 13), error: icon("close", 13) }[status];
  const more = [t.details && rich(t.details), t.output && rich(t.output), sources(t.sources)].filter(Boolean);
  const title = [el("i", { class: "task-sign", title: states[status] }, sign), el("span", { class: "task-title" }, String(t.title ?? "")), el("span", { class: "hidden-words" }, states[status])];
  const props = { class: "task-card " + status, dataset: { testid: "task", status } };
  return more.length ? el("details", props, el("summary", {}, ...title), el("div", { class: "task-more" }, ...more)) : el("div", props, el("div", { class: "task-head" }, ...title));
}

function sources(list) {
  const links = (Array.isArray(list) ? list : []).filter((s) => /^https?:\/\//.test(s?.url || ""));
  return links.length > 0 && el("p", { class: "sources" }, ...links.map((s) =>
    el("a", { href: s.url, target: "_blank", rel: "noopener noreferrer nofollow", title: s.url }, String(s.text || s.url))));
}

/** Draws a plan: its title, how far it is, and its tasks. */
export function plan(b, rich) {
  const tasks = Array.isArray(b.tasks) ? b.tasks.filter(Boolean) : [];
  const done = tasks.filter((t) => t.status === "complete").length;
  return el("details", { class: "plan", open: true, dataset: { testid: "plan" } },
    el("summary", {}, el("b", {}, String(b.title ?? "")), tasks.length > 0 && el("small", {}, `${done} of ${tasks.length}`)),
    ...tasks.map((t) => task(t, rich)));
}
