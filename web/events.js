/**
 * Server-sent events: what keeps the page true without reload. One EventSource per page, reopened for ever.
 * Whatever was missed while it was away is fetched again: `onOpen(true)` says so.
 */

import { backoff } from "./backoff.js";

/**
 * @typedef {object} EventHandlers
 * @property {(missed: boolean) => void} onOpen
 * @property {() => void} onLost
 * @property {Record<string, (data: any) => void>} on by event name
 */

export class EventLink {
  #url;
  #handlers;
  #signal;
  /** @type {EventSource|null} */
  #source = null;
  #attempt = 0;
  #wasOpen = false;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;

  /** @param {string} url @param {EventHandlers} handlers @param {AbortSignal} signal */
  constructor(url, handlers, signal) {
    this.#url = url;
    this.#handlers = handlers;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#close());
    addEventListener("online", () => this.#retryNow(), { signal });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#retryNow(); }, { signal });
    this.#open();
  }

  #open() {
    const source = new EventSource(this.#url);
    this.#source = source;
    source.addEventListener("open", () => {
      this.#attempt = 0;
      this.#handlers.onOpen(this.#wasOpen);
      this.#wasOpen = true;
    });
    source.addEventListener("error", () => this.#lost());
    for (const [name, handle] of Object.entries(this.#handlers.on)) {
      source.addEventListener(name, (event) => handle(JSON.parse(/** @type {MessageEvent} */ (event).data)));
    }
  }

  #lost() {
    // The browser's own retry waits seconds and gives up for good on an HTTP error: ours is quicker and never ends.
    this.#close();
    if (this.#signal.aborted) return;
    this.#handlers.onLost();
    this.#timer = setTimeout(() => this.#open(), backoff(this.#attempt));
    this.#attempt += 1;
  }

  #retryNow() {
    if (this.#source !== null) return;
    clearTimeout(this.#timer);
    this.#attempt = 0;
    this.#open();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
