/**
 * How long an address of the object store is trusted to bring pictures. A browser asks a store that refuses again and
 * again for half a minute before it says so (Chromium 156), and nobody waits for that.
 */

const PATIENCE_MS = 10_000;
const PATIENCE_WHEN_EXPIRED_MS = 2500;

export class DirectAddress {
  #listening = new AbortController();
  #until_ms;
  #givenUp;
  /** @type {number|undefined} */
  #timer;

  /** @param {HTMLVideoElement} video @param {number} lives_ms @param {() => void} givenUp */
  constructor(video, lives_ms, givenUp) {
    this.#until_ms = performance.now() + lives_ms;
    this.#givenUp = givenUp;
    const { signal } = this.#listening;
    for (const name of ["loadstart", "seeking", "waiting"])
      video.addEventListener(name, () => this.#wait(), { signal });
    for (const name of ["canplay", "seeked", "playing"])
      video.addEventListener(name, () => clearTimeout(this.#timer), { signal });
  }

  /** Nothing is expected of it any more. */
  end() {
    this.#listening.abort();
    clearTimeout(this.#timer);
  }

  #wait() {
    clearTimeout(this.#timer);
    const expired = performance.now() > this.#until_ms;
    this.#timer = setTimeout(this.#givenUp, expired ? PATIENCE_WHEN_EXPIRED_MS : PATIENCE_MS);
  }
}
