/** Formats values as text. Pure; times are in the viewer's own zone. */

import { language, text } from "./messages.js";

/** @import { Camera, Clip, CopyState } from "./types.js" */

// Creating a formatter takes longer than using it a hundred times.
const TIME = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

/** @param {number} n */
const two = (n) => String(n).padStart(2, "0");

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
  const time = TIME.format(then);
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  if (days === 0 || days === 1) {
    const words = DAY.format(-days, "day");
    return `${words.charAt(0).toUpperCase()}${words.slice(1)} ${time}`;
  }
  const year = then.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return `${then.toLocaleDateString([], { day: "numeric", month: "short", year })} ${time}`;
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
  return `${n < 10 && step ? n.toFixed(1) : Math.round(n)}\u00a0${units[step]}`;
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
  if (clip.status === "processing" && clip.progress) return text.clips.statusProgress(Math.round(clip.progress * 100));
  return clip.status === "draft" && clip.publish_at
    ? text.clip.scheduled
    : (text.clips.status[clip.status] ?? clip.status);
}

/** @param {number} share */
export function formatPercent(share) {
  return `${Math.round(share * 100)} %`;
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
