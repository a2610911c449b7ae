/**
 * The address is the state: `#/` is the page, `#/clips/ID` the same page with a clip open over it, and the query
 * (`#/?camera=yard`) carries what is chosen. Pure parsing and building, and one listener.
 */

/** @import { Route } from "./types.js" */

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const match = /^\/clips\/([^/]+)$/.exec(path);
  return { clip: match ? decode(match[1]) : null, query: new URLSearchParams(query) };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {{clip?: string|null, query?: URLSearchParams}} route */
export function build({ clip = null, query = new URLSearchParams() }) {
  const path = clip ? `#/clips/${encodeURIComponent(clip)}` : "#/";
  return query.size ? `${path}?${query}` : path;
}

/** @param {string} clip */
export function clipHref(clip) {
  return build({ clip, query: parse(location.hash).query });
}

/** Closes the clip over the page, keeping what is chosen. */
export function leaveClip() {
  const { clip, query } = parse(location.hash);
  if (clip) location.hash = build({ query });
}

/** @param {string} camera */
export function chooseCamera(camera) {
  const { clip, query } = parse(location.hash);
  query.set("camera", camera);
  location.hash = build({ clip, query });
}

/** @param {(route: Route) => void} listener called at once and on every change @param {AbortSignal} signal */
export function watchRoute(listener, signal) {
  addEventListener("hashchange", () => listener(parse(location.hash)), { signal });
  listener(parse(location.hash));
}

/** The access key of `#key=…`, taken out of the address and the history at once. @returns {string|null} */
export function takeKey() {
  const match = /^#key=(.+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  return decode(match[1]);
}
