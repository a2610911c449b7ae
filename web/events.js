/**
 * Server-sent events keep the pages up to date. One EventSource, always reopened after the last event seen; runs in a
 * page or in the worker that all pages share. A client that was away too long, or whose daemon has restarted, gets
 * `reset` and loads everything again.
 */

import { RetryTimer } from "./backoff.js";
import { here, parse } from "./base.js";
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
    this.#url = here(url);
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
        // Only the `hello` to a client that catches up has no id.
        this.#lastId = event.lastEventId || this.#lastId;
        handle(parse(event.data));
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

  /** Ends the wait for the next attempt, because a viewer looks at the page. */
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
