/** One event stream for all pages of this browser, which opens only six connections to one server. */

import { EventLink } from "./events.js";
import { withWarning } from "./warnings.js";

const NAMES = ["hello", "concern", "clip", "clip_deleted", "upload", "storage", "camera", "cameras", "reset"];

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {{link: EventLink, stop: AbortController}|null} */
let stream = null;
let up = false;
/** @type {Record<string, string>} for pages that connect later */
let warnings = {};

/** @param {object} message */
function broadcast(message) {
  for (const port of ports) port.postMessage(message);
}

function openStream() {
  const stop = new AbortController();
  const link = new EventLink(
    "/api/events",
    {
      onOpen: (again) => {
        up = true;
        broadcast({ type: "open", again });
      },
      onLost: () => {
        up = false;
        broadcast({ type: "lost" });
      },
      on: Object.fromEntries(
        NAMES.map((name) => [
          name,
          (data) => {
            if (name === "hello") warnings = data.concerns;
            if (name === "concern") warnings = withWarning(warnings, data);
            broadcast({ type: "event", name, data });
          },
        ]),
      ),
    },
    stop.signal,
  );
  stream = { link, stop };
}

/** @param {MessagePort} port @param {string} word */
function handleMessage(port, word) {
  if (word === "hurry") stream?.link.hurry();
  if (word !== "bye") return;
  ports.delete(port);
  if (ports.size > 0) return;
  stream?.stop.abort();
  stream = null;
  up = false;
}

addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  port.onmessage = ({ data }) => handleMessage(port, data);
  ports.add(port);
  if (stream === null) openStream();
  else {
    port.postMessage(up ? { type: "open", again: false } : { type: "lost" });
    port.postMessage({ type: "event", name: "hello", data: { concerns: warnings } });
  }
});
