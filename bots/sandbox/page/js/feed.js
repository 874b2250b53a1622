// What both stand-ins show, kept up to date by the server's feed of changes.

/** Calls the server: resolves to its answer, rejects with its words. */
export async function call(path, body) {
  let response;
  try {
    response = await fetch("api/" + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Error("The demo cannot be reached. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(answer.error || `The demo answered with status ${response.status}.`), { status: response.status });
  return answer;
}

export const loadingPause = 3000; // ms for which each loading message is shown

const surfaceKey = (s) => [s.kind, s.user || "", s.in || "", s.thread || ""].join("/");

/** Reads files of this machine into what a call can carry. */
export async function readFiles(files) {
  return Promise.all([...files].map(async (f) => {
    const bytes = new Uint8Array(await f.arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
    return { name: f.name, type: f.type, data: btoa(text) };
  }));
}

/** One service: its users, channels, messages, and who is at work where. */
export class World {
  constructor(service, state) {
    this.service = service;
    this.name = state.name;
    this.commands = state.commands || []; // Slack: what may be written after /bobbin
    this.agent = state.agent || ""; // Slack: how the app is declared
    this.shortcuts = state.shortcuts || []; // Slack: what the app has put into menus
    this.users = new Map((state.users || []).map((u, place) => [u.id, { ...u, place }]));
    this.channels = new Map((state.channels || []).map((c) => [c.id, c]));
    this.messages = new Map(); // channel → id → message
    this.typing = new Map(); // channel and thread → {status, loading, at, until}
    this.surfaces = new Map(); // kind, user, channel and thread → data
    for (const [channel, list] of Object.entries(state.messages || {})) {
      this.messages.set(channel, new Map((list || []).map((m) => [m.id, m])));
    }
    for (const s of state.surfaces || []) this.surfaces.set(surfaceKey(s), s.data);
  }

  get people() {
    return [...this.users.values()].filter((u) => !u.bot);
  }

  get bot() {
    return [...this.users.values()].find((u) => u.bot) || { id: "", name: "bobbin", bot: true };
  }

  user(id) {
    return this.users.get(id) || (id === "USLACKBOT" ? { id, name: "Slackbot", bot: true } : { id, name: id || "someone" });
  }

  /** The messages of a channel that a user sees, oldest first. */
  seenBy(user, channel) {
    return [...(this.messages.get(channel)?.values() || [])].filter((m) => !m.only_for || m.only_for === user);
  }

  message(channel, id) {
    return this.messages.get(channel)?.get(id);
  }

  /** Who is at work in a channel or thread: undefined, or with what, in words. */
  statusOf(channel, thread = "") {
    const t = this.typing.get(channel + "/" + thread);
    return t && t.until > Date.now() ? t.status : undefined;
  }

  /** What Slack says in turn in place of a status, now; or nothing. */
  loadingOf(channel, thread = "") {
    const t = this.typing.get(channel + "/" + thread);
    return t?.loading?.length ? t.loading[Math.floor((Date.now() - t.at) / loadingPause) % t.loading.length] : undefined;
  }

  /** What the bot shows beside its messages: a modal before a user, a thread's prompts. */
  surface(kind, { user = "", in: channel = "", thread = "" } = {}) {
    return this.surfaces.get(surfaceKey({ kind, user, in: channel, thread }));
  }

  apply(change) {
    const m = change.message;
    switch (change.kind) {
      case "posted":
      case "edited":
        if (!this.messages.has(m.channel)) this.messages.set(m.channel, new Map());
        this.messages.get(m.channel).set(m.id, m);
        // A sign of work goes with what the work has brought.
        if (change.kind === "posted" && this.user(m.user).bot) this.typing.delete(m.channel + "/" + (m.thread || ""));
        break;
      case "deleted":
        this.messages.get(m.channel)?.delete(m.id);
        break;
      case "opened":
        this.channels.set(change.channel.id, change.channel);
        break;
      case "typing": {
        const key = change.in + "/" + (change.thread || "");
        if (this.service === "slack" && !change.status) this.typing.delete(key);
        else {
          // Slack shows a status for two minutes, Discord the typing sign for ten seconds.
          const life = this.service === "slack" ? 120_000 : 10_000;
          this.typing.set(key, { status: change.status || "", loading: change.loading, at: Date.parse(change.at), until: Date.parse(change.at) + life });
        }
        break;
      }
      case "shown": {
        const s = change.surface;
        if (s.data === undefined || s.data === null) this.surfaces.delete(surfaceKey(s));
        else this.surfaces.set(surfaceKey(s), s.data);
      }
    }
  }
}

const silence = 40_000; // the server shows a sign of life every 15 s

/**
 * Both worlds. Events: "reset" when all is new, "change" with {service, change},
 * "online" and "offline".
 */
export class Feed extends EventTarget {
  constructor() {
    super();
    this.state = null;
    this.worlds = {};
    this.from = "";
    this.pause = 0;
    this.source = null;
    addEventListener("online", () => this.retry(0));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.source) this.retry(0);
    });
  }

  async start() {
    try {
      const response = await fetch("api/state", { cache: "no-store" });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const state = await response.json();
      this.state = state;
      this.from = state.from;
      this.worlds = { slack: new World("slack", state.slack), discord: new World("discord", state.discord) };
      this.tell("reset");
      this.listen();
    } catch (e) {
      console.warn("reading the state failed:", e.message);
      this.lost();
    }
  }

  listen() {
    this.source?.close();
    const source = new EventSource("api/feed?from=" + encodeURIComponent(this.from));
    this.source = source;
    const alive = (e) => {
      if (e.lastEventId) this.from = e.lastEventId;
      clearTimeout(this.watchdog);
      this.watchdog = setTimeout(() => this.lost(), silence);
    };
    source.addEventListener("hello", (e) => {
      alive(e);
      this.pause = 0;
      this.tell("online");
    });
    source.addEventListener("beat", alive);
    source.addEventListener("change", (e) => {
      alive(e);
      const change = JSON.parse(e.data);
      this.worlds[change.service].apply(change);
      this.tell("change", change);
    });
    source.addEventListener("resync", () => {
      source.close();
      this.source = null;
      this.start();
    });
    source.onerror = () => {
      if (this.source === source) this.lost();
    };
  }

  lost() {
    this.source?.close();
    this.source = null;
    clearTimeout(this.watchdog);
    this.tell("offline");
    this.pause = Math.min(5000, this.pause ? this.pause * 2 : 500);
    this.retry(this.pause);
  }

  retry(after) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => (this.state ? this.listen() : this.start()), after);
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
