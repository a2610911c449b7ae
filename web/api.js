/** The HTTP API as functions. Knows paths and errors; its only state is the server's clock. */

import { here, parse } from "./base.js";
import { text } from "./messages.js";
import { LONG_MS, limit, READ_MS, WRITE_MS } from "./patience.js";

/** @import { Analytics, Budget, Caller, CameraList, Clip, ClipChanges, ClipFilter, ClipFrames } from "./types.js" */
/** @import { Credential, DeviceList, FramesResponse, Invitation, Playback, ReplayResponse } from "./types.js" */
/** @import { Retention, Schedule, System } from "./types.js" */

/** How long a press is asked for again: the buffer still holds its moment, and a box that restarts is back. */
const INSIST_MS = 25_000;
const INSIST_EVERY_MS = 1000;

/** A request that failed, with the server's or the network's message. `status` 0: no response. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {string} [code] the kind of refusal */
  constructor(status, message, code = "") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }
}

/** crypto.randomUUID exists only in secure contexts, and a box at home is served over plain http. */
function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Api {
  #clock;
  #onUnauthorised;

  /** @param {{clock: import("./server_clock.js").ServerClock, onUnauthorised: () => void}} options */
  constructor({ clock, onUnauthorised }) {
    this.#clock = clock;
    this.#onUnauthorised = onUnauthorised;
  }

  /** @returns {Promise<Caller|null>} null: this browser may see nothing */
  async session() {
    try {
      return await this.#call("GET", "/api/session", { quiet: true });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null;
      throw error;
    }
  }

  /** @param {Credential} credential */
  signIn(credential) {
    return this.#call("POST", "/api/session", { body: credential, quiet: true, maybe: text.link.late });
  }

  signOut() {
    return this.#call("DELETE", "/api/session");
  }

  /** @returns {Promise<DeviceList>} */
  devices() {
    return this.#call("GET", "/api/sessions");
  }

  /** @param {string} id */
  signOutDevice(id) {
    return this.#call("DELETE", `/api/sessions/${id}`);
  }

  signOutOthers() {
    return this.#call("DELETE", "/api/sessions");
  }

  /** @returns {Promise<Invitation>} */
  invite() {
    return this.#call("POST", "/api/session/codes");
  }

  /** @param {string} id @returns {Promise<{open: boolean}>} whether the invitation still works */
  invitation(id) {
    return this.#call("GET", `/api/session/codes/${id}`);
  }

  /** @param {number} [ms] how long it may take @returns {Promise<CameraList>} */
  cameras(ms) {
    return this.#call("GET", "/api/cameras", { ms });
  }

  /**
   * @param {string} camera
   * @param {object} options
   * @param {AbortSignal} signal
   * @returns {Promise<{pictures: Array<{label: string, image: string}>}>}
   */
  filmstrip(camera, options, signal) {
    return this.#call("GET", `/api/cameras/${encodeURIComponent(camera)}/filmstrip?${queryOf(options)}`, {
      signal,
      ms: LONG_MS,
    });
  }

  /**
   * @param {string} camera @param {AbortSignal} signal @param {boolean} clean it hides nothing before its first frame
   * @returns {Promise<ReplayResponse>}
   */
  replay(camera, signal, clean) {
    const query = clean ? "?form=clean" : "";
    return this.#call("GET", `/api/cameras/${encodeURIComponent(camera)}/replay${query}`, { signal, ms: LONG_MS });
  }

  /** Keeps a replay open while a viewer looks at it. @param {string} url */
  touch(url) {
    return this.#call("HEAD", url);
  }

  /** @param {string} url */
  closeReplay(url) {
    return this.#call("DELETE", url, { keepalive: true });
  }

  /** @param {string} camera @param {AbortSignal} signal @returns {Promise<FramesResponse>} */
  frames(camera, signal) {
    return this.#call("GET", `/api/cameras/${encodeURIComponent(camera)}/frames?limit=1`, { signal });
  }

  /**
   * @param {{cursor?: string|null, limit?: number, filter?: ClipFilter, list?: "clips"|"feed",
   *   signal?: AbortSignal}} [page]
   * @returns {Promise<{items: Clip[], cursor: string|null}>}
   */
  async clips({ cursor = null, limit = 48, filter = {}, list = "clips", signal } = {}) {
    const query = new URLSearchParams({ ...filter, limit: String(limit) });
    if (cursor) query.set("cursor", cursor);
    const answer = await this.#call("GET", `/api/${list}?${query}`, { signal });
    return { items: answer.clips, cursor: answer.next_cursor };
  }

  /** @param {string} id @returns {Promise<Clip>} */
  clip(id) {
    return this.#call("GET", `/api/clips/${encodeURIComponent(id)}`);
  }

  /** @param {string} id @returns {Promise<ClipFrames>} */
  clipFrames(id) {
    return this.#call("GET", `/api/clips/${encodeURIComponent(id)}/frames`);
  }

  /** @param {object} request @param {() => void} [onAgain] @returns {Promise<Clip>} */
  record(request, onAgain) {
    return this.#insist("/api/clips", request, onAgain);
  }

  /** @param {object} request @param {() => void} [onAgain] @returns {Promise<Clip>} */
  snapshot(request, onAgain) {
    return this.#insist("/api/snapshots", request, onAgain);
  }

  /** @param {string} id @param {string} action @param {object} [body] @returns {Promise<Clip>} */
  clipAction(id, action, body) {
    const ms = action === "set_manual_from_timestamp" ? LONG_MS : WRITE_MS;
    return this.#call("POST", `/api/clips/${encodeURIComponent(id)}/${action}`, { body, key: randomKey(), ms });
  }

  /** @param {string} id @param {ClipChanges} changes @returns {Promise<Clip>} */
  change(id, changes) {
    return this.#call("PATCH", `/api/clips/${encodeURIComponent(id)}`, { body: changes });
  }

  /** @param {string} id */
  remove(id) {
    return this.#call("DELETE", `/api/clips/${encodeURIComponent(id)}`);
  }

  /** @param {number} from_ms @param {number} to_ms @returns {Promise<Analytics>} */
  analytics(from_ms, to_ms) {
    return this.#call(
      "GET",
      `/api/analytics?from=${new Date(from_ms).toISOString()}&to=${new Date(to_ms).toISOString()}`,
      { ms: LONG_MS },
    );
  }

  /** @returns {Promise<System>} */
  system() {
    return this.#call("GET", "/api/system");
  }

  /** @param {Record<string, string|number>} [options] camera, seconds @returns {Promise<Budget>} */
  budget(options = {}) {
    return this.#call("GET", `/api/budget?${queryOf(options)}`);
  }

  /** @returns {Promise<Retention>} */
  retention() {
    return this.#call("GET", "/api/retention/preview");
  }

  /** @returns {Promise<{schedules: Schedule[]}>} */
  schedules() {
    return this.#call("GET", "/api/schedules");
  }

  /** @param {object} request @returns {Promise<Schedule>} */
  addSchedule(request) {
    return this.#call("POST", "/api/schedules", { body: request, key: randomKey() });
  }

  /** @param {string} id @param {object} changes @returns {Promise<Schedule>} */
  changeSchedule(id, changes) {
    return this.#call("PATCH", `/api/schedules/${encodeURIComponent(id)}`, { body: changes });
  }

  /** @param {string} id */
  removeSchedule(id) {
    return this.#call("DELETE", `/api/schedules/${encodeURIComponent(id)}`);
  }

  /** @param {string} id @param {boolean} on @returns {Promise<Clip>} */
  like(id, on) {
    return this.#call(on ? "POST" : "DELETE", `/api/clips/${encodeURIComponent(id)}/like`, { key: randomKey() });
  }

  /** @param {string} id @returns {Promise<{likes: number, liked: boolean}>} */
  liked(id) {
    return this.#call("GET", `/api/clips/${encodeURIComponent(id)}/like`);
  }

  /**
   * @param {string} action @param {readonly string[]} ids
   * @returns {Promise<{
   *   done: number,
   *   failed: number,
   *   results: Array<{id: string, ok: boolean, clip: Clip|null, error: {detail: string}|null}>,
   * }>}
   */
  batch(action, ids) {
    return this.#call("POST", "/api/clips/batch", { body: { action, ids }, key: randomKey(), ms: LONG_MS });
  }

  /**
   * @param {string} id
   * @param {{after?: "expired"|"failed", form?: "clean"}} options `after`: why the previous address does not work
   * @param {AbortSignal} signal
   * @returns {Promise<Playback>}
   */
  async playback(id, { after, form }, signal) {
    const query = String(new URLSearchParams({ ...(after && { after }), ...(form && { form }) }));
    const answer = await this.#call("GET", `/api/clips/${encodeURIComponent(id)}/playback${query && `?${query}`}`, {
      signal,
      ms: form && LONG_MS, // it is made before the answer
    });
    return { ...answer, lives_ms: answer.expires_at ? Date.parse(answer.expires_at) - this.#clock.now_ms() : Infinity };
  }

  /**
   * Sends a press until there is a response, always with the same key: whatever arrived, it is recorded once, and the
   * moment is that of the press.
   * @param {string} path @param {object} body @param {() => void} [onAgain] before it is sent again
   * @returns {Promise<Clip>}
   */
  async #insist(path, body, onAgain) {
    const key = randomKey();
    const until = performance.now() + INSIST_MS;
    for (;;) {
      try {
        return await this.#call("POST", path, { body, key, ms: READ_MS, maybe: text.record.maybe });
      } catch (error) {
        if (!isOpen(/** @type {ApiError} */ (error)) || performance.now() > until) throw error;
      }
      onAgain?.();
      await new Promise((resolve) => setTimeout(resolve, INSIST_EVERY_MS));
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{body?: object, key?: string, signal?: AbortSignal, quiet?: boolean, keepalive?: boolean, ms?: number,
   *   maybe?: string}} [options] `quiet`: a 401 is an expected response; `keepalive`: sent even while the page unloads;
   *   `ms`: how long it may take; `maybe`: what to say if a change is not answered, which may have been made
   */
  async #call(method, path, { body, key, signal, quiet = false, keepalive = false, ms, maybe = text.link.maybe } = {}) {
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json" };
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    const reads = method === "GET" || method === "HEAD";
    const time = limit(ms ?? (reads ? READ_MS : WRITE_MS), signal);
    const sent = Date.now();
    try {
      const response = await fetch(here(path), {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal: time.signal,
        keepalive,
        credentials: "same-origin",
      });
      this.#clock.learn(response.headers.get("Date"), sent, Date.now());
      if (response.status === 401 && !quiet) this.#onUnauthorised();
      if (!response.ok) throw await problem(response);
      return response.status === 204 || method === "HEAD" ? null : parse(await response.text());
    } catch (error) {
      if (signal?.aborted || error instanceof ApiError) throw error;
      if (!reads) throw new ApiError(0, maybe);
      throw new ApiError(0, time.signal.aborted ? text.link.late : text.link.unreachable);
    } finally {
      time.end();
    }
  }
}

/**
 * Whether a press is undecided: while the box is away, a proxy in front of it answers 502 to 504, without a code.
 * @param {ApiError} error
 */
function isOpen({ status, code }) {
  return status === 0 || code === "same_request_under_way" || (status >= 502 && code === "");
}

/** @param {object} options */
function queryOf(options) {
  return new URLSearchParams(Object.entries(options).map(([name, value]) => [name, String(value)]));
}

/** @param {Response} response */
async function problem(response) {
  const body = await response.json().catch(() => ({}));
  return new ApiError(
    response.status,
    body.detail ?? body.error ?? `${text.errors.unknown} (${response.status})`,
    body.code,
  );
}
