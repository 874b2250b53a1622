// Small helpers to build elements. Text only ever enters the page as text: nothing
// here, or anywhere in these files, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. Props: class, dataset, on (listeners), any attribute. */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "on") for (const [event, f] of Object.entries(value)) node.addEventListener(event, f);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

const icons = {
  hash: "M9 4 7.500 20M16.500 4 15 20M4.500 9h16M3.500 15h16",
  chat: "M4 5h16v11H10l-4 4v-4H4z",
  thread: "M5 4v9a4 4 0 0 0 4 4h10m-4-4 4 4-4 4",
  reply: "M10 6 4 12l6 6M4.500 12H14a6 6 0 0 1 6 6v1",
  send: "M4 4.500 20.500 12 4 19.500 6.500 12zM6.500 12H13",
  at: "M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0zm0 0v1.500a2.500 2.500 0 0 0 5 0V12a9 9 0 1 0-3.500 7.100",
  slash: "M5 3h14a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zm10 4-6 10",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14 6l-6 6 6 6",
  down: "M6 10l6 6 6-6",
  arrow: "M12 5v14M6 13l6 6 6-6",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.500M12 19.500V22M4.900 4.900l1.800 1.800M17.300 17.300l1.800 1.800M2 12h2.500M19.500 12H22M4.900 19.100l1.800-1.800M17.300 6.700l1.800-1.800",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  auto: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  check: "M5 13l4.500 4.500L19 7",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 4.500V12l3.500 2",
  sum: "M18 5H6l6.500 7L6 19h12",
  code: "M8.500 7 3.500 12l5 5M15.500 7l5 5-5 5",
  history: "M4 12a8 8 0 1 0 2.500-5.800L4 8.500M4 4v4.500h4.500M12 8v4.500l3 1.500",
  eye: "M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  clip: "M20 11.500l-8 8a5 5 0 0 1-7-7l8.500-8.500a3.400 3.400 0 0 1 4.800 4.800L10 17a1.700 1.700 0 0 1-2.400-2.400l7.400-7.400",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.500 14.500a4 4 0 0 0 7 0M9 9.500v.01M15 9.500v.01",
  edit: "M4 20l1-4.500L16.500 4 20 7.500 8.500 19zM14 6.500l3.500 3.500",
  trash: "M5 7h14M9.500 7V4h5v3M7 7l1 13h8l1-13",
  apps: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM17 14v6M14 17h6",
  mic: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.500 11a6.500 6.500 0 0 0 13 0M12 17.500V21",
  open: "M14 4h6v6M20 4l-9 9M18 13v7H4V6h7",
  more: "M4.400 12a.8.8 0 1 0 1.600 0 .8.8 0 1 0-1.600 0M11.200 12a.8.8 0 1 0 1.600 0 .8.8 0 1 0-1.600 0M18 12a.8.8 0 1 0 1.600 0 .8.8 0 1 0-1.600 0",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  stop: "M7 7h10v10H7z",
  thumb: "M7 11v9H4v-9zM7 11l4-8a2.500 2.500 0 0 1 2.500 2.500V9H19a2 2 0 0 1 2 2.300l-1.200 7A2 2 0 0 1 17.800 20H7",
  thumbdown: "M17 13V4h3v9zM17 13l-4 8a2.500 2.500 0 0 1-2.500-2.500V15H5a2 2 0 0 1-2-2.300l1.200-7A2 2 0 0 1 6.200 4H17",
  home: "M4 11 12 4l8 7v9h-5v-6H9v6H4z",
};

/** Makes a line icon that takes the colour of the text around it. */
export function icon(name, size = 18) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [k, v] of Object.entries({ viewBox: "0 0 24 24", width: size, height: size, fill: "none", "aria-hidden": "true", class: "icon" })) {
    svg.setAttribute(k, v);
  }
  for (const [k, v] of Object.entries({ d: icons[name], stroke: "currentColor", "stroke-width": 1.8, "stroke-linecap": "round", "stroke-linejoin": "round" })) {
    path.setAttribute(k, v);
  }
  svg.append(path);
  return svg;
}

/** Makes a button with an icon and a name for those who do not see it. */
export function iconButton(name, label, onclick, props = {}) {
  return el("button", { type: "button", title: label, "aria-label": label, on: { click: onclick }, ...props }, icon(name));
}

/** Makes a user's picture: an initial on a colour of their own. */
export function avatar(user) {
  if (user.bot && /bobbin/i.test(user.name)) {
    return el("span", { class: "avatar bot", "aria-hidden": "true" }, el("img", { src: "bobbin.svg", alt: "" }));
  }
  return el("span", { class: `avatar hue-${(user.place || 0) % 8}`, "aria-hidden": "true" }, (user.name[0] || "?").toUpperCase());
}

/** Makes the three dots of something at work. */
export function dots() {
  return el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i"));
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const fullDate = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });

export const timeOf = (at) => clock.format(new Date(at));

export function dayOf(at) {
  const day = new Date(at).toDateString();
  if (day === new Date().toDateString()) return "Today";
  if (day === new Date(Date.now() - 864e5).toDateString()) return "Yesterday";
  return dayName.format(new Date(at));
}

export function timeElement(at, text) {
  return el("time", { datetime: at, title: fullDate.format(new Date(at)) }, text);
}

/** "1 reply", "3 replies". */
export const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

/** Reads and keeps a setting of this browser, which may refuse to. */
export const kept = {
  get(key) {
    try {
      return localStorage.getItem("bobbin." + key);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      localStorage.setItem("bobbin." + key, value);
    } catch {
      // A browser that keeps nothing still shows the page.
    }
  },
};
