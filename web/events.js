/**
 * Server-sent events: what keeps the pages true without reload. One EventSource, reopened for ever from the last event
 * seen; runs in a page or in the worker that all pages share. Who was away too long, or talks to a daemon that has
 * started anew, gets `reset`: read all again.
 */

import { RetryTimer } from "./backoff.js";
/** @import { EventHandlers } from "./types.js" */

export class EventLink {
  #url;
  #handlers;
  #signal;
  /** @type {EventSource|null} */
  #source = null;
  #lastId = "";
  #retry = new RetryTimer();

  /** @param {string} url @param {EventHandlers} handlers @param {AbortSignal} signal */
  constructor(url, handlers, signal) {
    this.#url = url;
    this.#handlers = handlers;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#close());
    addEventListener("online", () => this.hurry(), { signal });
    this.#open();
  }

  #open() {
    const source = new EventSource(
      this.#lastId ? `${this.#url}?last_event_id=${encodeURIComponent(this.#lastId)}` : this.#url,
    );
    this.#source = source;
    source.addEventListener("open", () => {
      this.#retry.reset();
      this.#handlers.onOpen(this.#lastId !== "");
    });
    source.addEventListener("error", () => this.#lost());
    for (const [name, handle] of Object.entries(this.#handlers.on)) {
      source.addEventListener(name, (event) => {
        // Only a page that catches up is greeted without one.
        this.#lastId = event.lastEventId || this.#lastId;
        handle(JSON.parse(event.data));
      });
    }
  }

  #lost() {
    // The browser's own retry waits seconds and gives up for good on an HTTP error: ours is quicker and never ends.
    this.#close();
    if (this.#signal.aborted) return;
    this.#handlers.onLost();
    this.#retry.schedule(() => this.#open());
  }

  /** Somebody looks: do not wait any longer for the next try. */
  hurry() {
    if (this.#source !== null) return;
    this.#retry.cancel();
    this.#retry.reset();
    this.#open();
  }

  #close() {
    this.#retry.cancel();
    this.#source?.close();
    this.#source = null;
  }
}
