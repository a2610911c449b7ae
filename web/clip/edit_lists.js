/**
 * Whether this browser honours edit lists, by which a clip hides what comes before its first picture. One that does not
 * (Firefox) plays the hidden pictures, too; WebKitGTK plays nothing where more is hidden than shown. They are given the
 * clean form. Found out once per browser, and remembered.
 */

/** @typedef {"honoured"|"short"|"ignored"} Answer `short`: only where less is hidden than shown */

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
/** How long after the first test video the second one may be. */
const LATE_MS = 2000;
/** B-frames are hidden with the lead-in: as long as they are reordered. */
const REORDER_S = 0.5;
const LOOK_AGAIN_MS = 20;
const SIDE = 16;
/** A browser that invents what a page reads from a canvas shows neither. */
const [DARK, BRIGHT] = [40, 215];
const TOLERANCE = 20;
/** @type {Promise<Answer>|null} */
let answer = null;

/** @returns {Promise<Answer>} `ignored` also if it cannot be told in time: the clean form plays everywhere */
export function editLists() {
  answer ??= remembered() ?? find();
  /** @type {Promise<Answer>} */
  const late = new Promise((resolve) => setTimeout(resolve, WAIT_MS, "ignored"));
  return Promise.race([answer, late]);
}

/**
 * Whether this browser shows exactly what a clip shows, and nothing that it hides.
 * @param {{lead_in_seconds: number|null, duration_seconds: number|null}} clip
 */
export async function playsExactly({ lead_in_seconds, duration_seconds }) {
  const found = await editLists();
  const short = (lead_in_seconds ?? Number.POSITIVE_INFINITY) + REORDER_S < (duration_seconds ?? 0);
  return found === "honoured" || (found === "short" && short);
}

/** @returns {Promise<Answer>|null} */
function remembered() {
  const [known, agent] = (localStorage.getItem(SETTING) ?? "").split(" @ ");
  return agent === navigator.userAgent ? Promise.resolve(/** @type {Answer} */ (known)) : null;
}

/** @returns {Promise<Answer>} */
async function find() {
  const bytes = Uint8Array.from(atob(PROBE), (letter) => letter.charCodeAt(0));
  const long = isBright(hidingMost(bytes));
  const bright = await isBright(bytes);
  if (bright === null) return "ignored"; // Not remembered: the next page asks again.
  const late = new Promise((resolve) => setTimeout(resolve, LATE_MS, null));
  const found = bright ? ((await Promise.race([long, late])) ? "honoured" : "short") : "ignored";
  localStorage.setItem(SETTING, `${found} @ ${navigator.userAgent}`);
  return found;
}

/** The same video, of which three pictures are hidden and one is shown. @param {Uint8Array} bytes */
function hidingMost(bytes) {
  const made = bytes.slice();
  const fields = new DataView(made.buffer);
  const text = String.fromCharCode(...made);
  const frame = fields.getUint32(text.indexOf("elst") + 12) / 2;
  // The lengths of movie, track and edit, and where the edit begins.
  fields.setUint32(text.indexOf("mvhd") + 20, frame);
  fields.setUint32(text.indexOf("tkhd") + 24, frame);
  fields.setUint32(text.indexOf("elst") + 12, frame);
  fields.setUint32(text.indexOf("elst") + 16, 3 * frame);
  return made;
}

/**
 * Whether the first picture is one of the bright ones; null: it is neither. Chromium paints the first picture of an
 * unseen video only if all of it is preloaded, WebKitGTK only if no more than that picture is.
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function isBright(bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
  const done = new AbortController();
  const greys = /** @type {const} */ (["auto", "metadata"]).map((preload) => greyAt(url, preload, done.signal));
  const grey = await Promise.any(greys).catch(() => Number.NaN);
  done.abort();
  URL.revokeObjectURL(url);
  const [bright, dark] = [BRIGHT, DARK].map((value) => Math.abs(grey - value) < TOLERANCE);
  return bright || dark ? bright : null;
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
