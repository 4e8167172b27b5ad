/** A live feed that is kept open: after a loss it reconnects, and gets what it has missed by its `seq`. */
import type { components } from "./messages.js";

type Frames = components["schemas"];

/** An event of `/ws/listings/`. Decide by `type`, and skip one that you do not know: later releases have more. */
export type ListingsEvent = Frames["ItemEvent"] | Frames["Reset"];
/** An event of `/ws/orders/`. */
export type OrdersEvent = Frames["OrderEvent"] | Frames["CheckoutEvent"] | Frames["NotificationHint"] | Frames["Reset"];
export type FeedEvent = ListingsEvent | OrdersEvent;
type Frame = FeedEvent | Frames["Heartbeat"] | Frames["ItemBatch"] | Frames["OrderBatch"];

export interface FeedOptions {
  /** Such as `wss://shop.example/ws/listings/`. */
  url: string;
  /** Begin after this `seq`; without it, with what happens from now on. */
  after?: number;
  /** A new token for each connection, where the feed needs one. */
  token?: () => Promise<string>;
  onEvent: (event: FeedEvent) => void;
  /** Called with the state of the connection when it changes. */
  onChange?: (isOpen: boolean) => void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const SILENT_FOR_MS = 60_000;
const OVERLAP = 6_000; // events whose seqs are kept, to drop those that are sent again: 3,000 at most

export class Feed {
  #socket: WebSocket | undefined;
  #after: number | undefined;
  #wait = FIRST_WAIT_MS;
  #receivedAt = 0;
  #isClosed = false;
  readonly #seen = new Set<number>();
  readonly #watch: ReturnType<typeof setInterval>;

  constructor(readonly options: FeedOptions) {
    this.#after = options.after;
    this.#watch = setInterval(() => this.#dropIfSilent(), SILENT_FOR_MS / 4);
    void this.#connect();
  }

  /** The highest `seq` received: what to begin after next time. */
  get after(): number | undefined {
    return this.#after;
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    if (this.#isClosed) return;
    const url = new URL(this.options.url);
    if (this.#after !== undefined) url.searchParams.set("after", String(this.#after));
    try {
      if (this.options.token) url.searchParams.set("token", await this.options.token());
    } catch {
      return this.#reconnectLater();
    }
    const socket = (this.#socket = new WebSocket(url));
    this.#receivedAt = Date.now();
    socket.onopen = () => {
      socket.send("{}"); // from here on the server closes this client if it answers no heartbeat
      this.options.onChange?.(true);
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(String(data)), socket);
    socket.onclose = () => {
      this.options.onChange?.(false);
      this.#reconnectLater();
    };
  }

  #reconnectLater(): void {
    if (this.#isClosed) return;
    setTimeout(() => void this.#connect(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT_MS);
  }

  #receive(frame: Frame, socket: WebSocket): void {
    this.#receivedAt = Date.now();
    this.#wait = FIRST_WAIT_MS;
    if (frame.type === "heartbeat") socket.send("{}"); // or the server takes this client for dead
    for (const event of frame.type === "batch" ? frame.events : [frame]) this.#take(event);
  }

  #take(event: FeedEvent | Frames["Heartbeat"]): void {
    const seq = "seq" in event ? event.seq : undefined; // a hint of a notification has none
    const isNew = seq === undefined || !this.#seen.has(seq);
    if (seq !== undefined) this.#after = Math.max(this.#after ?? 0, seq);
    if (event.type === "heartbeat") return;
    // Events are sent again with a small overlap, since their seqs do not become visible in order.
    if (event.type !== "reset" && seq !== undefined) this.#seen.add(seq);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= OVERLAP) break;
      this.#seen.delete(oldest);
    }
    if (isNew || event.type === "reset") this.options.onEvent(event);
  }

  #dropIfSilent(): void {
    if (Date.now() - this.#receivedAt > SILENT_FOR_MS) this.#socket?.close();
  }
}
