/**
 * Which frame of a clip a <video> shows, and how to step to its neighbour. The frames' times come from the server: what
 * a player calls a frame's time differs. Paused, every browser shows the frame that is due at `currentTime`, unless it
 * was paused while playing: then it shows any frame near by, so the one it seems to show is sought.
 */

import { Frames } from "../rewind/frames.js";

/** @import { ClipFrames } from "../types.js" */

/** Times are rounded, to microseconds here and to ticks of 11 µs in files. */
const ROUNDING_S = 0.00002;
/** A browser that decodes ahead may report a frame that is not on screen yet. */
const NEAR_S = 0.5;
const PAINT_MS = 100;
const GIVE_UP_MS = 5000;
/** Steps that may wait for a slow seek: a key that was held down must not run on for long. */
const WAITING = 4;

/**
 * The time of the frame on screen. Some browsers report it on the clock of the media, which begins before the clip. A
 * frame at rest tells which clock it is; while a clip plays, the position runs ahead of the frame, and where the media
 * begins only a frame or two before the clip, as with B-frames, either clock may look right.
 * @param {number} now_s @param {number|null} media_s as reported @param {number} shift_s where the clip begins there
 * @param {readonly [number, number]|null} rest position and report of a frame at rest; null: none was seen
 */
export function shown(now_s, media_s, shift_s, rest = null) {
  if (media_s === null) return now_s;
  const [rest_s, reported_s] = rest ?? [now_s, media_s];
  const isShifted = Math.abs(reported_s - shift_s - rest_s) < Math.abs(reported_s - rest_s);
  const time_s = isShifted ? media_s - shift_s : media_s;
  return Math.abs(time_s - now_s) < NEAR_S ? time_s : now_s;
}

/** @param {HTMLVideoElement} video @param {string} name @returns {Promise<unknown>} */
function once(video, name) {
  return new Promise((resolve) => {
    setTimeout(resolve, GIVE_UP_MS);
    video.addEventListener(name, resolve, { once: true });
  });
}

/** A frame that was decoded before a pause is still painted. A page that nobody sees paints nothing. */
function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(done));
    setTimeout(done, PAINT_MS);
  });
}

export class FrameOnScreen {
  #video;
  #load;
  /** @type {Promise<{frames: Frames, shift_s: number}>|null} */
  #known = null;
  /** @type {number|null} the frame painted last, on the clock of this browser */
  #media_s = null;
  /** @type {[number, number]|null} see `shown` */
  #rest = null;
  /** Whether a frame is on screen, and not the poster: a browser takes that away when it plays or seeks. */
  isUncovered = false;
  /** Whether the frame due at `currentTime` is on screen. */
  #exact = true;
  #waiting = 0;
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /** @param {HTMLVideoElement} video @param {() => Promise<ClipFrames>} load the frames of its clip */
  constructor(video, load) {
    this.#video = video;
    this.#load = load;
    this.#exact = video.paused;
    /** @param {string} name @param {() => void} act */
    const on = (name, act) => video.addEventListener(name, act);
    on("emptied", () => {
      this.#media_s = null;
      this.isUncovered = false;
    });
    on("seeking", () => {
      this.#exact = video.paused;
      this.isUncovered = true;
    });
    on("play", () => {
      this.#exact = false;
      this.isUncovered = true;
    });
    on("pause", () => this.#settle().catch(() => undefined));
    if ("requestVideoFrameCallback" in video) this.#watch();
  }

  #watch() {
    this.#video.requestVideoFrameCallback((_now, { mediaTime }) => {
      this.#media_s = mediaTime;
      if (this.#exact && !this.#video.seeking) this.#rest = [this.#video.currentTime, mediaTime];
      this.#watch();
    });
  }

  /** @returns {Promise<number>} the number of the frame on screen at the call */
  async number() {
    const { frames, us } = await this.#onScreen();
    return frames.number(us);
  }

  /** Steps one frame forward (1) or back (-1), however long the frames are. @param {1|-1} direction */
  step(direction) {
    if (this.#waiting >= WAITING) return this.#last;
    this.#waiting += 1;
    this.#last = this.#last
      .then(() => this.#step(direction))
      .catch(() => undefined)
      .finally(() => {
        this.#waiting -= 1;
      });
    return this.#last;
  }

  /** @param {1|-1} direction */
  async #step(direction) {
    if (!this.#video.paused) {
      this.#video.pause();
      await painted();
    }
    const { frames, us } = await this.#onScreen();
    await this.#show(frames, frames.stepped(us, direction));
  }

  async #settle() {
    await painted();
    if (!this.#isLoose()) return;
    const { frames, us } = await this.#onScreen();
    if (this.#isLoose()) await this.#show(frames, us);
  }

  /** Whether it was paused while playing, and nothing was sought since. One that is taken away is paused, too. */
  #isLoose() {
    const { isConnected, paused, ended, seeking } = this.#video;
    return isConnected && paused && !ended && !seeking && !this.#exact;
  }

  async #onScreen() {
    const { currentTime: now_s, ended, seeking } = this.#video;
    const media_s = this.#exact || ended || seeking ? null : this.#media_s;
    this.#known ??= this.#load().then((found) => ({
      frames: Frames.fromResponse(found),
      shift_s: found.media_start_seconds,
    }));
    try {
      const { frames, shift_s } = await this.#known;
      return { frames, us: frames.atMediaTime(shown(now_s, media_s, shift_s, this.#rest) + ROUNDING_S) };
    } catch (error) {
      this.#known = null; // The next call tries again.
      throw error;
    }
  }

  /** @param {Frames} frames @param {number} us */
  async #show(frames, us) {
    const sought = once(this.#video, "seeked");
    this.#video.currentTime = frames.seekTime(us);
    await sought;
  }
}
