/**
 * Derives insights from the box's numbers: clips by the viewer's own days, when the disk is full, what needs attention.
 * Pure.
 */

/** @import { Analytics, Camera, System } from "./types.js" */

const DAY_MS = 86_400_000;
const FORECAST_DAYS = 7;

/** @typedef {Analytics["clips"][number]} Tally */

/**
 * The last `count` days of the viewer's zone, the oldest first.
 * @param {readonly Tally[]} tallies by quarters of an hour @param {number} now_ms @param {number} count
 */
export function clipsByDay(tallies, now_ms, count) {
  const today = new Date(now_ms);
  const days = Array.from({ length: count }, (_, index) => {
    const start = new Date(today.getFullYear(), today.getMonth(), today.getDate() - (count - 1 - index));
    return { start_ms: start.getTime(), clips: 0, size_bytes: 0 };
  });
  for (const { at, clips, size_bytes } of tallies) {
    const then_ms = Date.parse(at);
    const day = days.findLast(({ start_ms }) => start_ms <= then_ms);
    if (!day) continue;
    day.clips += clips;
    day.size_bytes += size_bytes;
  }
  return days;
}

/**
 * Days until the disk is full at the pace of the last week; null: that week has no clips.
 * @param {readonly Tally[]} tallies, oldest first @param {number} available_bytes
 */
export function daysLeft(tallies, available_bytes) {
  const last_ms = Math.max(...tallies.map(({ at }) => Date.parse(at)));
  const recent = tallies.filter(({ at }) => Date.parse(at) > last_ms - FORECAST_DAYS * DAY_MS);
  const total = recent.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  if (total === 0) return null;
  const first_ms = Math.min(...recent.map(({ at }) => Date.parse(at)));
  const days = Math.max(1, (last_ms - first_ms) / DAY_MS + 1);
  return available_bytes / (total / days);
}

/**
 * Everything that needs attention, in words.
 * @param {System} system @param {readonly Camera[]} cameras
 * @param {Readonly<Record<string, string>>} known the page's own words by subject; the others are the server's
 */
export function warningsOf({ concerns }, cameras, known) {
  const away = cameras.filter(({ state, last_error }) => state !== "live" && last_error);
  return [
    ...concerns.map(({ subject, detail }) => known[subject] ?? detail),
    ...away.map(({ id, name, last_error }) => `${name || id}: ${last_error}`),
  ];
}
