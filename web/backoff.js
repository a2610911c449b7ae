/** How long to wait before the next attempt, and the timer that waits. */

/**
 * Doubles from `first_ms` up to `cap_ms`, jittered to 50–100 % so that many pages do not come back in step.
 * @param {number} attempt 0 for the first wait
 * @param {{first_ms?: number, cap_ms?: number, random?: () => number}} [options]
 * @returns {number} milliseconds
 */
export function backoff(attempt, { first_ms = 500, cap_ms = 8000, random = Math.random } = {}) {
  const full = Math.min(cap_ms, first_ms * 2 ** Math.min(attempt, 16));
  return full * (0.5 + random() / 2);
}

/** Waits longer after every failed attempt, until `reset`. */
export class RetryTimer {
  #attempt = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;

  /** Runs `attempt` after the next wait, in place of a wait that is under way. @param {() => void} attempt */
  schedule(attempt) {
    this.cancel();
    this.#timer = setTimeout(attempt, backoff(this.#attempt));
    this.#attempt += 1;
  }

  /** The connection works: the next wait is the shortest. */
  reset() {
    this.#attempt = 0;
  }

  cancel() {
    clearTimeout(this.#timer);
  }
}
