/**
 * The address is the state: `#/SCREEN`, `#/SCREEN/CLIP` the same screen with a clip open over it, and the query
 * (`#/clips?camera=yard&q=fox`) holds the choices. `#/` is the live screen. Pure parsing and building, one
 * listener.
 */

/** @import { Route } from "./types.js" */

export const HOME = "live";

/** @param {string} hash @returns {Route} */
export function parseRoute(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const [screen = "", clip = ""] = path.split("/").slice(1).map(decode);
  return { screen: screen || HOME, clip: clip || null, query: new URLSearchParams(query) };
}

/** @param {string} part */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @param {{screen?: string, clip?: string|null, query?: URLSearchParams}} route */
export function routeHref({ screen = HOME, clip = null, query = new URLSearchParams() }) {
  const parts = clip ? [screen, clip] : screen === HOME ? [] : [screen];
  const path = `#/${parts.map(encodeURIComponent).join("/")}`;
  return query.size ? `${path}?${query}` : path;
}

/** The route in the address. */
function currentRoute() {
  return parseRoute(location.hash);
}

/** Opens a clip over the current screen. @param {string} clip */
export function clipHref(clip) {
  return routeHref({ ...currentRoute(), clip });
}

/** Closes the clip over the page and keeps the query. @param {string} [clip] only this one */
export function leaveClip(clip) {
  const route = currentRoute();
  if (route.clip && route.clip === (clip ?? route.clip)) location.hash = routeHref({ ...route, clip: null });
}

/**
 * Changes the query of this screen. An empty value is removed.
 * @param {Record<string, string|null>} changes
 * @param {{replace?: boolean}} [options] `replace`: adds no step for the Back button (typing, dragging)
 */
export function updateQuery(changes, { replace = false } = {}) {
  const route = currentRoute();
  for (const [name, value] of Object.entries(changes)) {
    if (value) route.query.set(name, value);
    else route.query.delete(name);
  }
  const hash = routeHref(route);
  if (hash === location.hash) return;
  if (!replace) location.hash = hash;
  else location.replace(hash);
}

/** @param {(route: Route) => void} listener called at once and on every change @param {AbortSignal} signal */
export function watchRoute(listener, signal) {
  addEventListener("hashchange", () => listener(currentRoute()), { signal });
  listener(currentRoute());
}

/**
 * Takes `#code=…` out of the address and the history, and `#key=…` too, although it signs nobody in: addresses are
 * remembered, and the key lasts.
 * @returns {{code: string|null}|null} code null: it was a key
 */
export function takeCode() {
  const found = /^#(code|key)=(.*)$/.exec(location.hash);
  if (!found) return null;
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  return { code: found[1] === "code" ? found[2] : null };
}
