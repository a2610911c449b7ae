/** One event stream for all pages of this browser: six connections to one server are soon used up. */

import { EventLink } from "./events.js";
import { withWarning } from "./warnings.js";

const NAMES = ["hello", "concern", "clip", "clip_deleted", "upload", "storage", "camera", "cameras", "reset"];

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {{link: EventLink, stop: AbortController}|null} */
let open = null;
let up = false;
/** @type {Record<string, string>} what a page that comes later has missed */
let warnings = {};

/** @param {object} message */
function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function begin() {
  const stop = new AbortController();
  const link = new EventLink(
    "/api/events",
    {
      onOpen: (again) => {
        up = true;
        tell({ type: "open", again });
      },
      onLost: () => {
        up = false;
        tell({ type: "lost" });
      },
      on: Object.fromEntries(
        NAMES.map((name) => [
          name,
          (data) => {
            if (name === "hello") warnings = data.concerns;
            if (name === "concern") warnings = withWarning(warnings, data);
            tell({ type: "event", name, data });
          },
        ]),
      ),
    },
    stop.signal,
  );
  open = { link, stop };
}

/** @param {MessagePort} port @param {string} word */
function hear(port, word) {
  if (word === "hurry") open?.link.hurry();
  if (word !== "bye") return;
  ports.delete(port);
  if (ports.size > 0) return;
  open?.stop.abort();
  open = null;
  up = false;
}

addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  port.onmessage = ({ data }) => hear(port, data);
  ports.add(port);
  if (open === null) begin();
  else {
    port.postMessage(up ? { type: "open", again: false } : { type: "lost" });
    port.postMessage({ type: "event", name: "hello", data: { concerns: warnings } });
  }
});
