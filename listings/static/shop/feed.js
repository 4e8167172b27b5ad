// One WebSocket that is kept open: it reconnects where it left off, later and later while that fails.

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30000;
const SILENT_FOR_MS = 60000;
const CLOSED_ON_PURPOSE = [4400, 4403, 4409, 4429]; // by the server's decision: reconnected late
const EXPIRED = 4401; // the token, after two minutes: with the next one at once, unless this one was never taken
const REPLACED = 4409; // a newer page has its place: not again before somebody looks at this one

export class Feed {
  constructor(url, { query, after, token, onEvent, onChange }) {
    Object.assign(this, { url, query, after: Number(after) || 0, token, onEvent, onChange, open: false, wait: FIRST_WAIT_MS });
    queueMicrotask(() => this.connect());
    setInterval(() => this.dropIfSilent(), SILENT_FOR_MS / 4);
  }

  async connect() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const query = new URLSearchParams({ ...this.query, after: this.after });
    try {
      const token = this.token && (await this.token());
      if (token === null) return this.reconnectLater();
      if (token) query.set("token", token);
      this.socket = new WebSocket(`${this.url}?${query}`);
    } catch {
      return this.reconnectLater();
    }
    const openedAt = (this.receivedAt = Date.now());
    this.socket.onopen = () => {
      this.socket.send("{}"); // from here on the server closes this page if it answers no heartbeat
      this.change(true);
    };
    this.socket.onmessage = (message) => this.receive(JSON.parse(message.data));
    this.socket.onclose = (closed) => {
      if (closed.code === EXPIRED && this.open && Date.now() - openedAt > FIRST_WAIT_MS) return this.connect();
      if (closed.code === REPLACED && document.hidden) return this.reconnectWhenShown();
      if (CLOSED_ON_PURPOSE.includes(closed.code)) this.wait = LONGEST_WAIT_MS;
      this.reconnectLater();
    };
  }

  receive(frame) {
    this.receivedAt = Date.now();
    this.wait = FIRST_WAIT_MS; // and not once it is open: while the database is away it is closed right after that
    for (const event of frame.type === "batch" ? frame.events : [frame]) {
      if (event.seq > this.after) this.after = event.seq;
      if (event.type === "heartbeat") this.socket.send("{}"); // or the server takes this page for dead
      else this.onEvent(event);
    }
  }

  change(open) {
    this.open = open;
    this.onChange();
  }

  reconnectLater() {
    this.change(false);
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
  }

  reconnectWhenShown() {
    this.change(false);
    document.addEventListener("visibilitychange", () => this.connect(), { once: true });
  }

  wake() {
    if (!this.open && this.timer) this.connect();
  }

  dropIfSilent() {
    if (this.open && Date.now() - this.receivedAt > SILENT_FOR_MS) this.socket.close();
  }
}
