/**
 * Which frame of a <video> is on screen, and how to step to its neighbour. A frame's `mediaTime` is exact if the
 * browser reports it; `currentTime` lies somewhere within the frame. Independent of clips and of the page.
 */

/** More than browsers round times, and less than the shortest frame. */
const EDGE_S = 0.0005;
/** How long the frame may take to be painted after `seeked`. */
const PAINT_MS = 400;
const GIVE_UP_MS = 5000;
/** @type {WeakMap<HTMLVideoElement, FrameOnScreen>} */
const known = new WeakMap();

/** Follows a video's frames from the first call on. @param {HTMLVideoElement} video */
export function frameOf(video) {
  const frame = known.get(video) ?? new FrameOnScreen(video);
  known.set(video, frame);
  return frame;
}

/** Steps that may wait for a slow seek: a key that was held down must not run on for long. */
const WAITING = 4;

class FrameOnScreen {
  #video;
  /** @type {number|null} of the frame painted last */
  #media_s = null;
  /** @type {() => void} */
  #painted = () => undefined;
  #waiting = 0;
  /** @type {Promise<unknown>} */
  #last = Promise.resolve();

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
    video.addEventListener("emptied", () => {
      this.#media_s = null;
    });
    if ("requestVideoFrameCallback" in video) this.#watch();
  }

  #watch() {
    this.#video.requestVideoFrameCallback((_now, { mediaTime }) => {
      this.#media_s = mediaTime;
      this.#painted();
      this.#watch();
    });
  }

  /** Seconds from the start of the clip; during a seek, those of its target. */
  get time_s() {
    return this.#video.seeking ? this.#video.currentTime : (this.#media_s ?? this.#video.currentTime);
  }

  /**
   * Steps one frame forward (1) or back (-1), however long the frames are.
   * @param {1|-1} direction
   * @param {number} frame_s usual length of a frame
   */
  step(direction, frame_s) {
    if (this.#waiting >= WAITING) return this.#last;
    this.#waiting += 1;
    this.#last = this.#last
      .then(() => this.#step(direction, frame_s))
      .finally(() => {
        this.#waiting -= 1;
      });
    return this.#last;
  }

  /** @param {1|-1} direction @param {number} frame_s */
  async #step(direction, frame_s) {
    const video = this.#video;
    if (!video.paused) {
      video.pause();
      // A frame that was decoded before the pause is still painted.
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    }
    const from_s = video.seeking ? await this.#seek(video.currentTime, frame_s) : this.time_s;
    if (direction < 0) return void (await this.#seek(Math.max(0, from_s - EDGE_S), frame_s));
    const end_s = video.duration - EDGE_S;
    let at_s = from_s;
    for (let reach_s = 1.5 * frame_s; at_s <= from_s && reach_s < 64 * frame_s; reach_s *= 2) {
      at_s = await this.#seek(Math.min(from_s + reach_s, end_s), frame_s);
      if (from_s + reach_s >= end_s) break;
    }
    // If frames are shorter than usual, the seek may have skipped one: look before it.
    for (let tries = 0; tries < 32 && Math.abs(at_s - from_s - frame_s) > 0.05 * frame_s; tries += 1) {
      const before_s = await this.#seek(at_s - EDGE_S, frame_s);
      if (before_s <= from_s) return void (await this.#seek(at_s + EDGE_S, 2 * EDGE_S));
      at_s = before_s;
    }
  }

  /**
   * @param {number} time_s
   * @param {number} frame_s how long before `time_s` the frame may begin
   * @returns {Promise<number>} the time of the painted frame
   */
  #seek(time_s, frame_s) {
    const video = this.#video;
    return new Promise((resolve) => {
      const listening = new AbortController();
      const done = () => {
        this.#painted = () => undefined;
        listening.abort();
        clearTimeout(timer);
        resolve(this.time_s);
      };
      const arrived = () => {
        const media_s = this.#media_s ?? -1;
        if (!video.seeking && media_s <= time_s + EDGE_S / 2 && media_s > time_s - 1.2 * frame_s) done();
      };
      let timer = setTimeout(done, GIVE_UP_MS);
      this.#painted = arrived;
      video.addEventListener(
        "seeked",
        () => {
          clearTimeout(timer);
          timer = setTimeout(done, PAINT_MS);
          arrived();
        },
        { signal: listening.signal },
      );
      video.currentTime = time_s;
    });
  }
}
