/**
 * Watches one playing <video> and tells its play head when to stop changing the rate, and after that, when a jump is
 * due. Imported after the first picture.
 */

import { RateWatch } from "./rate_watch.js";

/** @import { Playhead } from "./playhead.js" */

/** The browser in which a change of the rate was seen to cost pictures: the next load knows. */
const STUTTERS = "hindsight.stutters";
const FAR_S = 0.6;
const FIRST_PATIENCE_S = 10;
const MOST_PATIENCE_S = 160;

export class Pacing {
  #video;
  #playhead;
  #watch = new RateWatch();
  #patience = new Patience();
  #dry = false;

  /** @param {HTMLVideoElement} video @param {Playhead} playhead @param {AbortSignal} signal ends the watching */
  constructor(video, playhead, signal) {
    this.#video = video;
    this.#playhead = playhead;
    const listen = (/** @type {string} */ name, /** @type {() => void} */ heard) =>
      video.addEventListener(name, heard, { signal });
    listen("ratechange", () => this.#watch.changed(performance.now() / 1000));
    for (const name of ["seeking", "seeked", "emptied"]) listen(name, () => this.#watch.interrupted());
    listen("waiting", () => {
      this.#dry = true;
    });
  }

  /** @param {number} at_s @param {number} ahead_s how much is buffered ahead of the position */
  look(at_s, ahead_s) {
    const { currentTime: now_s, playbackRate: rate } = this.#video;
    const pictures = this.#video.getVideoPlaybackQuality?.().totalVideoFrames ?? NaN;
    const look = { at_s, now_s, rate, ahead_s, dry: this.#dry, pictures };
    const playhead = this.#playhead;
    this.#dry = false;
    if (!playhead.gentle) playhead.jump ||= this.#patience.ends(at_s, playhead.behind_s);
    else if (this.#watch.look(look)) {
      playhead.gentle = false;
      // What it lost by stuttering, it makes up by the only means left.
      playhead.jump = playhead.behind_s > FAR_S;
      localStorage.setItem(STUTTERS, navigator.userAgent);
    }
  }
}

/** A jump shows, so it comes after a while of being far behind, and each time after a longer while. Pure. */
export class Patience {
  #since_s = NaN;
  #s = FIRST_PATIENCE_S;

  /** @param {number} at_s @param {number} behind_s @returns {boolean} a jump is due */
  ends(at_s, behind_s) {
    if (behind_s < FAR_S || Number.isNaN(this.#since_s)) this.#since_s = at_s;
    if (at_s - this.#since_s < this.#s) return false;
    this.#s = Math.min(MOST_PATIENCE_S, this.#s * 2);
    this.#since_s = at_s;
    return true;
  }
}
