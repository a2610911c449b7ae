/** One MediaSource with one video track: appends in order, evicts, and reports when it cannot recover. */

const KEEP_BEHIND_S = 12;
const TRIM_ABOVE_S = 24;
const MAX_QUEUE = 900;

const Source = /** @type {typeof MediaSource|undefined} */ (
  globalThis.MediaSource ?? /** @type {any} */ (globalThis).ManagedMediaSource
);

/** Whether this browser has a MediaSource. */
export const mediaSourceAvailable = Source !== undefined;

/** An iPhone's managed source: its player stutters when the rate changes. */
export const mediaSourceManaged = Source !== undefined && Source !== globalThis.MediaSource;

/** @param {string} mime */
export function canPlay(mime) {
  return Source?.isTypeSupported(mime) ?? false;
}

export class MediaFeed {
  #video;
  #onBroken;
  #url;
  #source;
  /** @type {SourceBuffer|null} */
  #buffer = null;
  /** @type {ArrayBuffer[]} */
  #queue = [];
  #closed = false;

  /**
   * @param {HTMLVideoElement} video
   * @param {string} mime
   * @param {(why: string) => void} onBroken called at most once; make a new feed then
   */
  constructor(video, mime, onBroken) {
    this.#video = video;
    this.#onBroken = onBroken;
    this.#source = new /** @type {typeof MediaSource} */ (Source)();
    this.#url = URL.createObjectURL(this.#source);
    video.disableRemotePlayback = true;
    video.src = this.#url;
    this.#source.addEventListener("sourceopen", () => this.#open(mime), { once: true });
  }

  /** @param {ArrayBuffer} data an init segment or fragment */
  append(data) {
    if (this.#queue.length >= MAX_QUEUE) this.#break("the player does not take what arrives");
    else this.#queue.push(data);
    this.#pump();
  }

  /** @returns {Array<[number, number]>} */
  get ranges() {
    // Not the SourceBuffer's own list: reading it throws after the buffer has left its source.
    const { buffered } = this.#video;
    return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue = [];
    URL.revokeObjectURL(this.#url);
  }

  /** @param {string} mime */
  #open(mime) {
    if (this.#closed) return;
    try {
      const buffer = this.#source.addSourceBuffer(mime);
      buffer.mode = "segments";
      buffer.addEventListener("updateend", () => this.#pump());
      buffer.addEventListener("error", () => this.#break("the browser refused a fragment"));
      this.#buffer = buffer;
    } catch (error) {
      this.#break(String(error));
    }
    this.#pump();
  }

  #pump() {
    const buffer = this.#buffer;
    if (this.#closed || buffer === null || buffer.updating) return;
    if (this.#source.readyState !== "open") return this.#break("the media source was closed");
    try {
      if (this.#trim(buffer)) return;
      const next = this.#queue[0];
      if (next === undefined) return;
      buffer.appendBuffer(next);
      this.#queue.shift();
    } catch (error) {
      if (error instanceof DOMException && error.name === "QuotaExceededError" && this.#evict(buffer)) return;
      this.#break(String(error));
    }
  }

  /** @param {SourceBuffer} buffer @returns {boolean} whether a removal began */
  #trim(buffer) {
    const { buffered } = buffer;
    if (buffered.length === 0 || this.#video.currentTime - buffered.start(0) < TRIM_ABOVE_S) return false;
    buffer.remove(0, this.#video.currentTime - KEEP_BEHIND_S);
    return true;
  }

  /** Frees memory at once. @param {SourceBuffer} buffer */
  #evict(buffer) {
    const { buffered } = buffer;
    const until = this.#video.currentTime - 1;
    if (buffered.length === 0 || until <= buffered.start(0)) return false;
    buffer.remove(0, until);
    return true;
  }

  /** @param {string} why */
  #break(why) {
    if (this.#closed) return;
    this.close();
    this.#onBroken(why);
  }
}
