/** The server's events for this page: from the worker that all pages share, or directly if the browser has none. */

import { EventLink } from "./events.js";
/** @import { EventHandlers } from "./types.js" */

/** @param {EventHandlers} handlers @param {AbortSignal} signal */
export function listen(handlers, signal) {
  const shared = sharedWorker();
  /** @type {() => void} */
  let hurry;
  if (shared) {
    const { port } = shared;
    port.onmessage = ({ data }) => {
      if (data.type === "open") handlers.onOpen(data.again);
      else if (data.type === "lost") handlers.onLost();
      else handlers.on[data.name]?.(data.data);
    };
    hurry = () => port.postMessage("hurry");
    addEventListener("pagehide", () => port.postMessage("bye"), { signal });
    // A page from the back/forward cache has left the worker.
    addEventListener(
      "pageshow",
      ({ persisted }) => {
        if (persisted) location.reload();
      },
      { signal },
    );
  } else {
    const link = new EventLink("/api/events", handlers, signal);
    hurry = () => link.hurry();
  }
  document.addEventListener(
    "visibilitychange",
    () => {
      if (!document.hidden) hurry();
    },
    { signal },
  );
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
