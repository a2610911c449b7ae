/**
 * Formats values as text: every number and time on the page, the way its language writes them. Pure; times are in the
 * viewer's own zone.
 */

import { language, locale, text } from "./messages.js";

/** @import { Camera, Clip, CopyState } from "./types.js" */

// Creating a formatter takes longer than using it a hundred times.
/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
const TIME = new Intl.DateTimeFormat(locale, CLOCK);
const DAY = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
/** @type {Intl.NumberFormat[]} by their digits behind the point */
const NUMBERS = [];

/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

/** 1,234.5, or 1.234,5 in German. @param {number} value @param {number} [digits] behind the point */
export function formatNumber(value, digits = 0) {
  NUMBERS[digits] ??= new Intl.NumberFormat(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "negative",
  });
  return NUMBERS[digits].format(value);
}

/**
 * A running or finished length: 00:12, 02:30, 1:04:09.
 * @param {number} seconds
 */
export function formatTimer(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${two(minutes)}:${two(rest)}`;
}

/**
 * A length in words: 15 s, 60 s, 2 min 30 s.
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 90) return `${whole} s`;
  const rest = whole % 60;
  return rest ? `${Math.floor(whole / 60)} min ${rest} s` : `${whole / 60} min`;
}

/**
 * Today 14:03:22, Yesterday 09:12:00, 12 Mar 14:03:22, 12 Mar 2024 14:03:22.
 * @param {string} iso
 * @param {number} [now_ms]
 */
export function formatMoment(iso, now_ms = Date.now()) {
  const then = new Date(iso);
  const now = new Date(now_ms);
  const time = formatTime(then);
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  if (days === 0 || days === 1) {
    const words = DAY.format(-days, "day");
    return `${words.charAt(0).toUpperCase()}${words.slice(1)} ${time}`;
  }
  const year = then.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return `${then.toLocaleDateString(locale, { day: "numeric", month: "short", year })} ${time}`;
}

/** 14:03:22, and with its zone in the hour that a clock shows twice: 02:30:00 CET. @param {Date} date */
export function formatTime(date) {
  const time = TIME.format(date);
  const twice = [-60, -30, 30, 60].some((minutes) => TIME.format(date.getTime() + minutes * 60_000) === time);
  return twice ? date.toLocaleTimeString(locale, { ...CLOCK, timeZoneName: "short" }) : time;
}

/** @param {Date} date */
function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** @param {number} n */
export function formatBytes(n) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  while (n >= 1000 && step < units.length - 1) {
    n /= 1000;
    step += 1;
  }
  return `${formatNumber(n, n < 10 && step ? 1 : 0)}\u00a0${units[step]}`;
}

/** @param {Clip} clip @param {readonly Camera[]} cameras */
export function clipTitle(clip, cameras) {
  return clip.title || cameraName(clip.camera, cameras);
}

/** @param {string} id @param {readonly Camera[]} cameras */
export function cameraName(id, cameras) {
  return cameras.find((camera) => camera.id === id)?.name || id;
}

/** @param {Clip} clip */
export function clipBadge(clip) {
  if (clip.stale) return text.camera.unknown;
  if (clip.status === "processing" && clip.progress) return text.clips.statusProgress(Math.round(clip.progress * 100));
  return clip.status === "draft" && clip.publish_at
    ? text.clip.scheduled
    : (text.clips.status[clip.status] ?? clip.status);
}

/** How much of a whole, 0 to 1; nothing of what is not known. @param {number} part @param {number} whole */
export function shareOf(part, whole) {
  return whole > 0 ? Math.max(0, Math.min(1, part / whole || 0)) : 0;
}

/** @param {number} share */
export function formatPercent(share) {
  return `${formatNumber(share * 100)} %`;
}

/**
 * Where the clip's copy is.
 * @param {Clip} clip
 * @param {CopyState} [copied]
 */
export function copyWords({ location }, copied) {
  if (typeof copied === "string") return text.clips.waiting(copied);
  return copied === undefined ? text.clips.copies[location] : text.clips.copying(formatPercent(copied));
}

/** @param {Clip} clip */
export function clipError(clip) {
  return clip.error || text.clip.failed;
}

/**
 * Why the camera is not live, in words that stay true while the viewer waits.
 * @param {Camera} camera
 * @param {number} now_ms on the server's clock
 */
export function cameraTrouble(camera, now_ms) {
  if (camera.state === "live") return "";
  if (camera.state === "unknown") return text.live.lost;
  const reason = camera.reason || camera.last_error;
  if (camera.state === "reconnecting") {
    const wait = camera.next_try ? text.camera.nextTry(Math.ceil((Date.parse(camera.next_try) - now_ms) / 1000)) : "";
    return `${reason ? sentence(reason) : text.camera.reconnectingDetail} ${wait}`.trim();
  }
  if (camera.state === "stalled") return text.camera.stalledDetail;
  return camera.state === "stopped" ? text.camera.stoppedDetail : text.camera.connectingDetail;
}

/** @param {string} words */
function sentence(words) {
  const upper = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(upper) ? upper : `${upper}.`;
}
