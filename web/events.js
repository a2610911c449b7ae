/**
 * Server-sent events keep the pages up to date. One EventSource, always reopened after the last event seen; runs in a
 * page or in the worker that all pages share. A client that was away too long, or whose daemon has restarted, gets
 * `reset` and loads everything again. A stream that is silent for two beats counts as lost: nobody learns from TCP that
 * a daemon stands still or that a cable is out.
 */

import { RetryTimer } from "./backoff.js";
import { here, parse } from "./base.js";
import { FIRST_MS, Freshness, OPENING_MS, watch } from "./freshness.js";
/** @import { EventHandlers } from "./types.js" */

export class EventLink {
  #url;
  #handlers;
  #signal;
  /** @type {EventSource|null} */
  #source = null;
  #up = false;
  #patience_ms = OPENING_MS;
  #lastId = "";
  #retry = new RetryTimer();
  fresh = new Freshness();

  /** @param {string} url @param {EventHandlers} handlers @param {AbortSignal} signal */
  constructor(url, handlers, signal) {
    this.#url = here(url);
    this.#handlers = handlers;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#close());
    watch(() => this.#look(), signal);
    this.#open();
  }

  get up() {
    return this.#up;
  }

  /** Whether it has failed, and no attempt is under way. */
  get waits() {
    return this.#source === null;
  }

  #open() {
    const source = new EventSource(
      this.#lastId ? `${this.#url}?last_event_id=${encodeURIComponent(this.#lastId)}` : this.#url,
    );
    this.#source = source;
    this.fresh.heard();
    source.addEventListener("open", () => {
      this.#up = true;
      this.#patience_ms = FIRST_MS;
      this.#retry.reset();
      this.fresh.heard();
      this.#handlers.onOpen(this.#lastId !== "");
    });
    source.addEventListener("error", () => this.#lost());
    for (const [name, handle] of Object.entries(this.#handlers.on)) {
      source.addEventListener(name, (event) => {
        // A beat, and the `hello` to a client that catches up, have no id.
        this.#lastId = event.lastEventId || this.#lastId;
        const data = parse(event.data);
        this.fresh.heard(data);
        handle(data);
      });
    }
  }

  #look() {
    if (this.#source === null || (this.#up ? this.fresh.current : this.fresh.age_ms < this.#patience_ms)) return;
    if (!this.#up) this.#patience_ms = Math.min(2 * this.#patience_ms, OPENING_MS);
    // It has waited long enough.
    this.#retry.reset();
    this.#lost();
  }

  #lost() {
    // The browser's own retry waits seconds and gives up for good on an HTTP error: ours is quicker and never ends.
    this.#close();
    if (this.#signal.aborted) return;
    this.#handlers.onLost();
    this.#retry.schedule(() => this.#open());
  }

  /** A viewer looks at the page: ends the wait for the next attempt, and trusts no stream that missed a beat. */
  hurry() {
    if (!this.#up || this.fresh.age_ms > 1.5 * this.fresh.beat_ms) this.reopen();
  }

  /** Because the network has changed: whether the box is there, only a new stream tells. */
  reopen() {
    this.#close();
    this.#retry.reset();
    this.#open();
  }

  #close() {
    this.#retry.cancel();
    this.#source?.close();
    this.#source = null;
    this.#up = false;
  }
}
