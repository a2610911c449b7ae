/**
 * What may be shown as current. The box speaks at least once per beat, on the event stream and on every live socket;
 * whatever has been silent for two beats shows what was known, as what it was. Without DOM: for pages, their worker and
 * live sockets.
 */

/** @import { Camera, Clip, State } from "./types.js" */

/** Until the box says how often it speaks. */
const BEAT_MS = 5000;
/** A box that answers late gets more time for a new connection than one that has spoken before. */
export const OPENING_MS = 12_000;
/** But not at first: the browser may ask on a connection that has died while this device slept. */
export const FIRST_MS = 3000;
const MISSED = 2;
/** How old what is called live may be. */
export const STALE_MS = MISSED * BEAT_MS;
const LOOK_MS = 1000;

/**
 * A clock that never goes back and counts sleep: the monotonic one stands still on some laptops that are asleep, and
 * the wall clock can be set.
 * @param {() => number} wall_ms @param {() => number} steady_ms @returns {() => number}
 */
export function wakingClock(wall_ms = () => Date.now(), steady_ms = () => performance.now()) {
  let [now, wall, steady] = [0, wall_ms(), steady_ms()];
  return () => {
    const before = [wall, steady];
    [wall, steady] = [wall_ms(), steady_ms()];
    now += Math.max(0, wall - before[0], steady - before[1]);
    return now;
  };
}

/** When the other end of one connection was heard last. */
export class Freshness {
  #heard_ms;
  beat_ms = BEAT_MS;

  /** @param {() => number} now_ms */
  constructor(now_ms = wakingClock()) {
    this.now_ms = now_ms;
    this.#heard_ms = now_ms();
  }

  /** @param {{beat_seconds?: number}} [message] may say when the next beat is due @param {number} [age_ms] */
  heard({ beat_seconds } = {}, age_ms = 0) {
    if (beat_seconds) this.beat_ms = beat_seconds * 1000;
    this.#heard_ms = this.now_ms() - age_ms;
  }

  get age_ms() {
    return this.now_ms() - this.#heard_ms;
  }

  /** How long a silence means nothing. */
  get limit_ms() {
    return MISSED * this.beat_ms;
  }

  get current() {
    return this.age_ms < this.limit_ms;
  }
}

/** Whether the page does not know how things are now. @param {Pick<State, "link">} state */
export function isStale({ link }) {
  return link === "checking" || link === "lost";
}

/**
 * The state as it may be shown: of a box that is silent, no camera is live, nothing is said to be recording or copied.
 * @param {State} state @returns {State}
 */
export function asKnown(state) {
  if (!isStale(state)) return state;
  const { cameras, clips, openClip } = state;
  return {
    ...state,
    cameras: { ...cameras, items: camerasUnknown(cameras.items) },
    clips: { ...clips, items: clipsAsKnown(state, clips.items) },
    openClip: openClip && clipUnknown(openClip),
    copies: {},
  };
}

/**
 * What a silent box was recording or finishing may be over.
 * @param {Pick<State, "link">} state @param {readonly Clip[]} clips @returns {readonly Clip[]}
 */
export function clipsAsKnown(state, clips) {
  return isStale(state) ? clipsUnknown(clips) : clips;
}

/**
 * Of the same value always the same result: what has not changed is not painted again.
 * @template {object} T @template R @param {(value: T) => R} make @returns {(value: T) => R}
 */
function once(make) {
  /** @type {WeakMap<T, R>} */
  const made = new WeakMap();
  return (value) => {
    const result = made.get(value) ?? make(value);
    made.set(value, result);
    return result;
  };
}

const camerasUnknown = once((/** @type {readonly Camera[]} */ cameras) =>
  cameras.map((camera) => /** @type {Camera} */ ({ ...camera, state: "unknown", reason: "", next_try: null })),
);
const clipUnknown = once((/** @type {Clip} */ clip) =>
  ["pending", "processing"].includes(clip.status) ? { ...clip, stale: true } : clip,
);
const clipsUnknown = once((/** @type {readonly Clip[]} */ clips) => clips.map(clipUnknown));

/**
 * Looks often enough that a page which was asleep or hidden, with its timers late, notices soon after.
 * @param {() => void} look @param {AbortSignal} signal
 */
export function watch(look, signal) {
  const timer = setInterval(look, LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
}
