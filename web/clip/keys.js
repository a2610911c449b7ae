/** The single-key shortcuts of the clip dialog. */

/** Seconds. */
const SKIP = 10;
const NUDGE = 5;

/** @param {HTMLVideoElement} video */
function toggle(video) {
  if (video.paused) video.play().catch(() => undefined);
  else video.pause();
}

/** @param {HTMLVideoElement} video */
function fullScreen(video) {
  const older = /** @type {any} */ (video);
  if (document.fullscreenElement) document.exitFullscreen();
  else if (video.requestFullscreen) video.requestFullscreen().catch(() => undefined);
  else older.webkitEnterFullscreen?.();
}

/** @param {import("../components/clip_dialog.js").ClipDialog} dialog */
export function playerKeys(dialog) {
  /** @param {(video: HTMLVideoElement) => void} act */
  const on = (act) => () => {
    if (dialog.video) act(dialog.video);
  };
  /** @param {number} seconds */
  const seek = (seconds) =>
    on((video) => {
      video.currentTime = Math.min(
        Math.max(0, video.currentTime + seconds),
        Math.max(0, video.duration - dialog.frame_s / 2),
      );
    });
  /** @param {1|-1} direction */
  const step = (direction) =>
    on(() => {
      dialog.player.frame?.step(direction);
    });
  return {
    " ": on(toggle),
    k: on(toggle),
    j: seek(-SKIP),
    l: seek(SKIP),
    // A picture has no timeline.
    arrowleft: () => (dialog.isPicture ? dialog.neighbours.go("previous") : seek(-NUDGE)()),
    arrowright: () => (dialog.isPicture ? dialog.neighbours.go("next") : seek(NUDGE)()),
    ",": step(-1),
    ".": step(1),
    f: on(fullScreen),
    m: on((video) => {
      video.muted = !video.muted;
    }),
    p: () => dialog.neighbours.go("previous"),
    n: () => dialog.neighbours.go("next"),
    "?": () => dialog.emit("help"),
  };
}
