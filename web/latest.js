/**
 * For answers that are shown: only the newest question's may be. `const signal = latest.ask()` before a request, and
 * after each `await` of it `if (signal.aborted) return`, also where it failed. Pure.
 */

export class Latest {
  #asked = new AbortController();

  /** Begins a question and ends the one before. @returns {AbortSignal} aborted when its answer is no longer wanted */
  ask() {
    this.end();
    this.#asked = new AbortController();
    return this.#asked.signal;
  }

  /** Nothing that was asked is wanted any more. */
  end() {
    this.#asked.abort();
  }
}
