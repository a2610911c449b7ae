/**
 * Labels name frames: whole microseconds since the epoch, in RFC 3339 on their way to and from the API. Everything that
 * converts a label is here. Pure.
 */

export const SECOND_US = 1_000_000;

/** Keeps every microsecond, unlike a Date. @param {string} label as the API sends it */
export function parseLabel(label) {
  return fromMs(Date.parse(`${label.slice(0, 19)}Z`)) + Number(label.slice(20, 26));
}

/** The inverse of `parseLabel`. @param {number} us */
export function formatLabel(us) {
  const ms = Math.floor(toMs(us));
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us - ms * 1000).padStart(3, "0")}Z`;
}

/** @param {number} us a label @returns {number} milliseconds, for a Date or a clock */
export function toMs(us) {
  return us / 1000;
}

/** @param {number} ms since the epoch @returns {number} the nearest label */
export function fromMs(ms) {
  return Math.round(ms * 1000);
}

/** @param {number} us between two labels */
export function toSeconds(us) {
  return us / SECOND_US;
}

/**
 * The place of the first of ascending values that is greater than a limit; logarithmic.
 * @param {number} count
 * @param {(index: number) => number} valueAt
 * @param {number} limit
 * @returns {number} `count` if none is greater
 */
export function firstAfter(count, valueAt, limit) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (valueAt(middle) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
