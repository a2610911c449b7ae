/**
 * The frames of one replay: which frame a moment shows, how to step from one to another, where a player must seek to
 * show it. A frame is named by its label; labels and moments are whole µs since the epoch. Pure.
 */

import { firstAfter, parseLabel, SECOND_US, toSeconds } from "../timestamps.js";

/** @import { FramesResponse } from "../types.js" */

/**
 * Players round, so a seek lands inside a frame; near its beginning, because WebKitGTK goes by the length that a file
 * gives a frame, and with B-frames of uneven lengths that is another frame's.
 */
const INTO_US = 5000;
const ROUNDING_US = 200;
const ESTIMATED_FRAME_US = SECOND_US / 30;

export class Frames {
  #offset_us;

  /**
   * @param {number} count ≥ 1 @param {(index: number) => number} offset_us of a frame's label from `from_us`, ascending
   * @param {number} from_us the first label @param {number} to_us where the last frame ends
   */
  constructor(count, offset_us, from_us, to_us) {
    this.count = count;
    this.#offset_us = offset_us;
    this.from_us = from_us;
    this.to_us = to_us;
  }

  /** @param {FramesResponse} response */
  static fromResponse({ start_time, end_time, frame_offsets_us }) {
    return new Frames(
      frame_offsets_us.length,
      (index) => frame_offsets_us[index],
      parseLabel(start_time),
      parseLabel(end_time),
    );
  }

  /** Thirty a second, until the API has sent the real ones. @param {number} from_us @param {number} to_us */
  static estimated(from_us, to_us) {
    return new Frames(
      Math.max(1, Math.floor((to_us - from_us) / ESTIMATED_FRAME_US)),
      (index) => Math.floor(index * ESTIMATED_FRAME_US),
      from_us,
      to_us,
    );
  }

  /** Without the frames before a moment; the last frame stays. @param {number} us */
  from(us) {
    const first = us <= this.from_us ? 0 : Math.min(this.count - 1, this.#index(us - 1) + 1);
    const offset_us = this.#offset_us(first);
    return new Frames(
      this.count - first,
      (index) => this.#offset_us(first + index) - offset_us,
      this.from_us + offset_us,
      this.to_us,
    );
  }

  /** The frame shown at a moment, else the nearest one. @param {number} us */
  at(us) {
    return this.#label(this.#index(us));
  }

  /** Where the frame shown at a moment ends: at the next one, or with the replay. @param {number} us */
  endOf(us) {
    return this.#label(this.#index(us) + 1);
  }

  /** @param {number} us @param {number} frames */
  stepped(us, frames) {
    return this.#label(Math.max(0, Math.min(this.count - 1, this.#index(us) + frames)));
  }

  /** The media time, in seconds, at which a player shows exactly the frame of a moment. @param {number} us */
  seekTime(us) {
    const label = this.at(us);
    return toSeconds(label - this.from_us + Math.min(INTO_US, (this.endOf(us) - label) / 2));
  }

  /**
   * The frame that a player reports as painted: by its own time, which files round to 11 µs, or by the one that was
   * sought inside it (Firefox, WebKit).
   * @param {number} media_time_s
   */
  painted(media_time_s) {
    return this.at(this.#momentOf(media_time_s) + ROUNDING_US);
  }

  /** The frame shown at a media time. @param {number} media_time_s */
  atMediaTime(media_time_s) {
    return this.at(this.#momentOf(media_time_s));
  }

  /** Counted from 0. @param {number} us @returns {number} the number of the frame shown at a moment */
  number(us) {
    return this.#index(us);
  }

  /** How long before the end of the replay a moment is, in seconds. @param {number} us */
  secondsBeforeEnd(us) {
    return toSeconds(this.to_us - us);
  }

  /** @param {number} media_time_s of a player */
  #momentOf(media_time_s) {
    return this.from_us + media_time_s * SECOND_US;
  }

  /** @param {number} index `count`: the end */
  #label(index) {
    return index < this.count ? this.from_us + this.#offset_us(index) : this.to_us;
  }

  /** @param {number} us */
  #index(us) {
    return Math.max(0, firstAfter(this.count, (index) => this.#label(index), us) - 1);
  }
}
