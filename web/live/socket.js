/**
 * The WebSocket of one camera: parses its messages, always reconnects, and does not trust a connection that is silent
 * for two beats. Hurries when the page has found the box again (`box-back` on the document).
 * Binary messages begin with 24 bytes, big-endian: u8 kind, 7 zero bytes, f64 media time (s), u64 label (µs).
 * After an `init` of codec `mjpeg` they are whole JPEGs. The sound's socket works the same way.
 */

import { RetryTimer } from "../backoff.js";
import { Freshness, OPENING_MS, watch } from "../freshness.js";

/** @import { SocketHandlers } from "../types.js" */

const HEADER_BYTES = 24;
/** The session is over: signed out, expired, or the key was replaced. */
const SIGNED_OUT = 4401;
const KIND_INIT = 0;
const KIND_KEYFRAME = 2;
const KIND_JPEG = 3;
const KIND_SOUND = 4;

export class LiveSocket {
  #url;
  #handlers;
  /** @type {WebSocket|null} */
  #socket = null;
  #ended = new AbortController();
  #retry = new RetryTimer();
  #fresh = new Freshness();

  /** @param {string} url @param {SocketHandlers} handlers */
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
    const { signal } = this.#ended;
    document.addEventListener("box-back", () => this.hurry(), { signal });
    watch(() => this.#look(), signal);
    this.#open();
  }

  /** Whether what arrived last may be shown as live. */
  get current() {
    return this.#socket !== null && this.#fresh.current;
  }

  /** Reconnects, because the player cannot continue this stream. @param {string} [url] of another stream */
  restart(url = this.#url) {
    this.#url = url;
    this.#drop();
    this.#later();
  }

  /** Ends the wait for the next attempt. */
  hurry() {
    this.#look();
    if (this.#ended.signal.aborted || this.#socket !== null) return;
    this.#retry.cancel();
    this.#retry.reset();
    this.#open();
  }

  close() {
    this.#ended.abort();
    this.#drop();
  }

  #open() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#fresh.heard();
    const current = () => this.#socket === socket;
    socket.addEventListener("open", () => current() && this.#handlers.onLink(true));
    socket.addEventListener("message", (event) => current() && this.#receive(event.data));
    socket.addEventListener("close", ({ code }) => {
      if (!current()) return;
      this.#drop();
      this.#later();
      // The page asks whether that is so, and if it is, shows the sign-in in place of this picture.
      if (code === SIGNED_OUT) document.dispatchEvent(new CustomEvent("signed-out"));
    });
  }

  /** @param {string|ArrayBuffer} data */
  #receive(data) {
    if (typeof data === "string") {
      const message = JSON.parse(data);
      this.#fresh.heard(message);
      if (message.type === "init") this.#handlers.onInit(message);
      if (message.type === "unplayable") this.#handlers.onUnplayable?.(message);
      if (message.type === "state") this.#handlers.onState(message);
      return;
    }
    this.#fresh.heard();
    if (data.byteLength <= HEADER_BYTES) return;
    const head = new DataView(data, 0, HEADER_BYTES);
    const [kind, payload] = [head.getUint8(0), data.slice(HEADER_BYTES)];
    if (kind === KIND_INIT) return this.#handlers.onInitSegment(payload);
    this.#retry.reset();
    const label_us = Number(head.getBigUint64(16));
    if (kind === KIND_JPEG) return this.#handlers.onJpeg({ data: payload, label_us });
    if (kind === KIND_SOUND) return this.#handlers.onSound?.({ data: payload, lead_s: head.getFloat64(8), label_us });
    this.#handlers.onFragment({
      data: payload,
      keyframe: kind === KIND_KEYFRAME,
      media_time_s: head.getFloat64(8),
      label_us,
    });
  }

  /** A box that lost power closes no connection. */
  #look() {
    if (this.#socket === null) return;
    const opening = this.#socket.readyState === WebSocket.CONNECTING;
    if (opening ? this.#fresh.age_ms < OPENING_MS : this.#fresh.current) return;
    // The next socket to this box would wait for one that is still connecting.
    this.#socket.close();
    this.restart();
  }

  #drop() {
    this.#retry.cancel();
    const socket = this.#socket;
    this.#socket = null;
    // Closing a socket that is connecting makes the browser log an error.
    if (socket?.readyState === WebSocket.CONNECTING) socket.addEventListener("open", () => socket.close());
    else socket?.close();
  }

  #later() {
    if (this.#ended.signal.aborted) return;
    this.#handlers.onLink(false);
    this.#retry.schedule(() => this.#open());
  }
}
