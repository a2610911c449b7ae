/**
 * How long the page waits for pictures from an address of the object store. A browser retries a refusing store for half
 * a minute before it reports an error (Chromium 156), which is too long for a viewer.
 */

const PATIENCE_MS = 10_000;
const PATIENCE_WHEN_EXPIRED_MS = 2500;

export class DirectAddress {
  #listening = new AbortController();
  #until_ms;
  #onGiveUp;
  /** @type {number|undefined} */
  #timer;

  /** @param {HTMLVideoElement} video @param {number} lives_ms @param {() => void} onGiveUp */
  constructor(video, lives_ms, onGiveUp) {
    this.#until_ms = performance.now() + lives_ms;
    this.#onGiveUp = onGiveUp;
    const { signal } = this.#listening;
    for (const name of ["loadstart", "seeking", "waiting"])
      video.addEventListener(name, () => this.#wait(), { signal });
    for (const name of ["canplay", "seeked", "playing"])
      video.addEventListener(name, () => clearTimeout(this.#timer), { signal });
  }

  /** Stops watching the address. */
  end() {
    this.#listening.abort();
    clearTimeout(this.#timer);
  }

  #wait() {
    clearTimeout(this.#timer);
    const expired = performance.now() > this.#until_ms;
    this.#timer = setTimeout(this.#onGiveUp, expired ? PATIENCE_WHEN_EXPIRED_MS : PATIENCE_MS);
  }
}
