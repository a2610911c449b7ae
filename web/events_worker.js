/** One event stream for all pages of this browser, which opens only six connections to one server. */

import { EventLink } from "./events.js";
import { withWarning } from "./warnings.js";

const NAMES = ["hello", "beat", "concern", "clip", "clip_deleted", "upload", "storage", "camera", "cameras", "reset"];

/** @type {Set<MessagePort>} */
const ports = new Set();
/** @type {{link: EventLink, stop: AbortController}|null} */
let stream = null;
/** For pages that connect later. */
let hello = { concerns: {} };

/** @param {object} message */
function broadcast(message) {
  for (const port of ports) port.postMessage({ ...message, sent_ms: Date.now() });
}

function openStream() {
  const stop = new AbortController();
  const link = new EventLink(
    "/api/events",
    {
      onOpen: (again) => broadcast({ type: "open", again }),
      onLost: () => broadcast({ type: "lost" }),
      on: Object.fromEntries(
        NAMES.map((name) => [
          name,
          (data) => {
            if (name === "hello") hello = data;
            if (name === "concern") hello = { ...hello, concerns: withWarning(hello.concerns, data) };
            broadcast({ type: "event", name, data });
          },
        ]),
      ),
    },
    stop.signal,
  );
  stream = { link, stop };
}

/** Says how the stream is to a page that does not know. @param {MessagePort} port @param {EventLink} link */
function report(port, link) {
  const sent_ms = Date.now() - link.fresh.age_ms;
  if (link.up) port.postMessage({ type: "open", again: false, sent_ms });
  else if (link.waits) port.postMessage({ type: "lost" });
  port.postMessage({ type: "event", name: "hello", data: hello, sent_ms });
}

/** @param {MessagePort} port @param {string} word */
function handleMessage(port, word) {
  if (word === "reopen") stream?.link.reopen();
  if (word === "hurry" && stream) {
    stream.link.hurry();
    if (stream.link.up) report(port, stream.link);
  }
  if (word !== "bye") return;
  ports.delete(port);
  if (ports.size > 0) return;
  stream?.stop.abort();
  stream = null;
}

addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  port.onmessage = ({ data }) => handleMessage(port, data);
  ports.add(port);
  if (stream === null) openStream();
  else report(port, stream.link);
});
