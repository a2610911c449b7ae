/**
 * The path below which this browser reaches the daemon: "" or such as "/hindsight". A proxy may show it under any; the
 * page learns it from the address of its own files, BASE/assets/HASH/, so that the daemon need not know it.
 */
export const BASE = new URL("../..", import.meta.url).pathname.slice(0, -1);

/**
 * An address of the daemon as this browser reaches it. One that the daemon made holds the base already if the daemon
 * knows it; those of the object store are whole.
 * @param {string} path such as "/api/clips"
 */
export const here = (path) => (path[0] === "/" && !path.startsWith(`${BASE}/`) ? BASE + path : path);

/**
 * Reads an answer or an event of the daemon, with its addresses as this browser reaches them.
 * @param {string} json
 */
export const parse = (json) =>
  JSON.parse(json, BASE ? (key, url) => (url && /url$/.test(key) ? here(url) : url) : undefined);
