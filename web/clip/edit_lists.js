/**
 * Whether this browser honours edit lists, by which a clip hides what comes before its first picture. One that does not
 * (Firefox) plays the hidden pictures, too, so it is given the clean form. Found out once per browser, and remembered.
 */

/** Dark pictures, which the edit list hides, then bright ones: made by `python -m tests.support.edit_list_probe`. */
const PROBE =
  "AAAAGGZ0eXBpc29tAAACAGlzb21hdmMxAAACom1vb3YAAABsbXZoZAAAAAAAAAAAAAAAAAABX5AAAK/IAAEAAAEAAAAAAAAAAAAAAAABAAAAAA" +
  "AAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAIudHJhawAAAFx0a2hkAAAAAwAAAAAA" +
  "AAAAAAAAAQAAAAAAAK/IAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAQAAAAAAQAAAAEAAAAAAAJGVkdH" +
  "MAAAAcZWxzdAAAAAAAAAABAACvyAAAr8gAAQAAAAABpm1kaWEAAAAgbWRoZAAAAAAAAAAAAAAAAAABX5AAAV+QVcQAAAAAACFoZGxyAAAAAAAA" +
  "AAB2aWRlAAAAAAAAAAAAAAAAAAAAAV1taW5mAAAAFHZtaGQAAAABAAAAAAAAAAAAAAAkZGluZgAAABxkcmVmAAAAAAAAAAEAAAAMdXJsIAAAAA" +
  "EAAAEdc3RibAAAAJVzdHNkAAAAAAAAAAEAAACFYXZjMQAAAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAQABAASAAAAEgAAAAAAAAAAQAAAAAAAAAA" +
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABj//wAAAC9hdmNDAULACv/hABZnQsAKphF6EAAAAwAQAAADAIDxImEYAQAGaMhCDyyAAAAAGHN0dH" +
  "MAAAAAAAAAAQAAAAQAAFfkAAAAFHN0c3MAAAAAAAAAAQAAAAEAAAAcc3RzYwAAAAAAAAABAAAAAQAAAAQAAAABAAAAJHN0c3oAAAAAAAAAAAAA" +
  "AAQAAAATAAAACgAAABMAAAAKAAAAFHN0Y28AAAAAAAAAAQAAAsIAAABCbWRhdAAAAA9liIICPiMUAAXq44DHAcAAAAAGQZocBD1AAAAAD2WIgQ" +
  "CfiMUAAY3o4DHAcAAAAAZBmhwEPUA=";
const SETTING = "hindsight.editLists";
/** How long a viewer waits for the answer; found later, it is remembered for the next time. */
const WAIT_MS = 4000;
const GIVE_UP_MS = 30_000;
const LOOK_AGAIN_MS = 20;
const SIDE = 16;
/** A browser that invents what a page reads from a canvas shows neither. */
const [DARK, BRIGHT] = [40, 215];
const TOLERANCE = 20;
/** @type {Promise<boolean>|null} */
let answer = null;

/** False also if it cannot be told in time: the clean form plays everywhere. @returns {Promise<boolean>} */
export function honoursEditLists() {
  answer ??= remembered() ?? find();
  const late = new Promise((resolve) => setTimeout(resolve, WAIT_MS, false));
  return Promise.race([answer, late]);
}

function remembered() {
  const [known, agent] = (localStorage.getItem(SETTING) ?? "").split(" @ ");
  return agent === navigator.userAgent ? Promise.resolve(known === "honoured") : null;
}

async function find() {
  const grey = await firstPicture().catch(() => Number.NaN);
  const [bright, dark] = [BRIGHT, DARK].map((value) => Math.abs(grey - value) < TOLERANCE);
  if (bright || dark) localStorage.setItem(SETTING, `${bright ? "honoured" : "ignored"} @ ${navigator.userAgent}`);
  return bright;
}

/**
 * How bright the first picture is. Chromium paints the one of a video that nobody sees only if all of it is preloaded,
 * WebKitGTK only if no more than that picture is.
 */
async function firstPicture() {
  const bytes = Uint8Array.from(atob(PROBE), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  const done = new AbortController();
  const greys = /** @type {const} */ (["auto", "metadata"]).map((preload) => greyAt(url, preload, done.signal));
  const grey = await Promise.any(greys);
  done.abort();
  URL.revokeObjectURL(url);
  return grey;
}

/** @param {string} url @param {"auto"|"metadata"} preload @param {AbortSignal} signal @returns {Promise<number>} */
async function greyAt(url, preload, signal) {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.preload = preload;
  video.src = url;
  const end_ms = performance.now() + GIVE_UP_MS;
  let grey = null;
  while (grey === null && performance.now() < end_ms && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    if (video.error) break;
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) grey = greyOf(video);
  }
  video.removeAttribute("src");
  video.load();
  if (grey === null) throw new Error("The test video shows nothing.");
  return grey;
}

/** @param {HTMLVideoElement} video @returns {number|null} null: it shows nothing yet */
function greyOf(video) {
  const canvas = document.createElement("canvas");
  canvas.width = SIDE;
  canvas.height = SIDE;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(video, 0, 0, SIDE, SIDE);
  const { data } = context.getImageData(0, 0, SIDE, SIDE);
  if (data[3] < 255) return null;
  return data.reduce((sum, value, index) => sum + (index % 4 < 3 ? value : 0), 0) / (3 * SIDE * SIDE);
}
