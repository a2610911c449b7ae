/** The server's events for this page: from the worker that all pages share, or directly if the browser has none. */

import { EventLink } from "./events.js";
import { Freshness } from "./freshness.js";
/** @import { EventHandlers } from "./types.js" */

/**
 * @param {EventHandlers} handlers @param {AbortSignal} signal
 * @returns {{fresh: Freshness, hurry: () => void, reopen: () => void}} when the box was heard last, and ways to look
 */
export function listen(handlers, signal) {
  const shared = sharedWorker();
  const stream = shared ? fromWorker(shared.port, handlers, signal) : new EventLink("/api/events", handlers, signal);
  for (const change of ["online", "offline"]) addEventListener(change, () => stream.reopen(), { signal });
  return stream;
}

/** @param {MessagePort} port @param {EventHandlers} handlers @param {AbortSignal} signal */
function fromWorker(port, handlers, signal) {
  const fresh = new Freshness();
  port.onmessage = ({ data: { type, again, name, data, sent_ms } }) => {
    // A page that stood still gets its messages late.
    if (type !== "lost") fresh.heard(data, Date.now() - sent_ms);
    if (type === "open") handlers.onOpen(again);
    else if (type === "lost") handlers.onLost();
    else handlers.on[name]?.(data);
  };
  addEventListener("pagehide", () => port.postMessage("bye"), { signal });
  // A page from the back/forward cache has left the worker.
  addEventListener(
    "pageshow",
    ({ persisted }) => {
      if (persisted) location.reload();
    },
    { signal },
  );
  return { fresh, hurry: () => port.postMessage("hurry"), reopen: () => port.postMessage("reopen") };
}

/** @returns {SharedWorker|null} */
function sharedWorker() {
  if (!("SharedWorker" in globalThis)) return null;
  try {
    // The only script URL that the page's strict policy allows.
    const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("hindsight-worker", {
      createScriptURL: (/** @type {string} */ url) => url,
    });
    const { href } = new URL("./events_worker.js", import.meta.url);
    return new SharedWorker(policy ? policy.createScriptURL(href) : href, { type: "module", name: "hindsight" });
  } catch {
    return null;
  }
}
