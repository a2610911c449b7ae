/**
 * The page's actions: each sends a request and puts the response into the store. A control may be *pending* at once;
 * nothing counts as done before the server confirms it.
 */

import { ApiError } from "./api.js";
import { BASE } from "./base.js";
import { isStale } from "./freshness.js";
import { text } from "./messages.js";
import {
  currentCamera,
  mergeClips,
  refreshed,
  withCamera,
  withClip,
  withCopy,
  withOpenClip,
  withoutClip,
} from "./store.js";
import { formatLabel } from "./timestamps.js";

/** @import { ActionServices, Camera, Clip, Credential, Lengths } from "./types.js" */

const LENGTHS = `hindsight.lengths${BASE}`;

export class Actions {
  #store;
  #api;
  #clock;
  #say;
  #labelOnScreen;
  #chosen;
  /** @type {Set<(id: string|null, clip: Clip|null) => void>} */
  #watchers = new Set();

  /** @param {ActionServices} services */
  constructor({ store, api, clock, say, labelOnScreen }) {
    this.#store = store;
    this.#api = api;
    this.#clock = clock;
    this.#say = say;
    this.#labelOnScreen = labelOnScreen;
    this.#chosen = rememberedLengths();
    store.update({ lengths: this.#chosen ?? store.state.lengths });
  }

  /**
   * A link signs in a browser that is signed in already, too: it must not stay valid in the history.
   * @param {Credential} credential @param {{byLink?: boolean}} [options]
   */
  async signIn(credential, { byLink = false } = {}) {
    if (this.#store.state.signingIn) return;
    this.#store.update({ signingIn: true, sessionError: null });
    try {
      await this.#api.signIn(credential);
      this.#store.update({ session: "ok", sessionNotice: null, signingIn: false });
    } catch (error) {
      const known = this.#store.state.session === "ok";
      const stays = byLink && (await this.#api.session().then(Boolean, () => known));
      const refused = stays ? null : refusal(error, credential, byLink);
      this.#store.update({ session: stays ? "ok" : "needed", sessionError: refused, signingIn: false });
    }
  }

  async checkSession() {
    try {
      this.#store.update({ session: (await this.#api.session()) ? "ok" : "needed" });
    } catch {
      // No response says nothing about the key: go on as if signed in, and let the event stream find the server.
      this.#store.update(({ link }) => ({ session: "ok", link: link === "connecting" ? "lost" : link }));
    }
  }

  /** Loads everything that the page shows. @returns {Promise<boolean>} whether the cameras are known now */
  async reload() {
    for (const watcher of this.#watchers) watcher(null, null);
    const [known] = await Promise.all([this.loadCameras(), this.loadClips(), this.loadOpenClip()]);
    return known;
  }

  /** @param {number} [ms] how long it may take @returns {Promise<boolean>} whether they are known now */
  async loadCameras(ms) {
    try {
      const { cameras, recording } = await this.#api.cameras(ms);
      const items = cameras.map((camera) => this.#stamped(camera));
      const lengths = this.#chosen ?? { before: recording.before_seconds, after: recording.after_seconds };
      this.#store.update({ cameras: { status: "ready", items, error: null }, lengths });
      return true;
    } catch (error) {
      this.#store.update(({ cameras }) => ({
        cameras: cameras.items.length ? cameras : { status: "error", items: [], error: words(error) },
      }));
      return false;
    }
  }

  async loadClips() {
    this.#store.update(({ clips }) => ({ clips: { ...clips, status: clips.items.length ? clips.status : "loading" } }));
    try {
      const { items, cursor } = await this.#api.clips();
      this.#store.update(({ clips }) => ({
        clips: { ...clips, items: refreshed(clips.items, items), cursor, status: "ready", error: null },
      }));
    } catch (error) {
      this.#store.update(({ clips }) => ({
        clips: clips.items.length ? clips : { ...clips, status: "error", error: words(error) },
      }));
    }
  }

  async moreClips() {
    const { cursor, loadingMore } = this.#store.state.clips;
    if (!cursor || loadingMore) return;
    this.#store.update(({ clips }) => ({ clips: { ...clips, loadingMore: true } }));
    try {
      const page = await this.#api.clips({ cursor });
      this.#store.update(({ clips }) => ({
        clips: { ...clips, items: mergeClips(clips.items, page.items), cursor: page.cursor },
      }));
    } catch (error) {
      this.#say(words(error), "bad");
    } finally {
      this.#store.update(({ clips }) => ({ clips: { ...clips, loadingMore: false } }));
    }
  }

  /** @param {string|null} id @param {readonly Clip[]|null} items the list that holds it */
  openClip(id, items) {
    if (id === this.#store.state.openId) return;
    const known = (items ?? this.#store.state.clips.items).find((clip) => clip.id === id) ?? null;
    this.#store.update({ openId: id, openClip: known, openError: null });
    this.loadOpenClip();
  }

  async loadOpenClip() {
    const { openId, session } = this.#store.state;
    if (!openId || session !== "ok") return;
    try {
      const clip = await this.#api.clip(openId);
      this.#store.update((state) => withOpenClip(state, clip));
    } catch (error) {
      const gone = error instanceof ApiError && [400, 404, 422].includes(error.status);
      if (this.#store.state.openId !== openId) return;
      if (gone) this.#store.update((state) => withoutClip(state, openId, text.clip.gone));
      else if (!this.#store.state.openClip) this.#store.update({ openError: words(error) });
    }
  }

  async record() {
    const { lengths } = this.#store.state;
    const clip = await this.#capture("record", (request, onAgain) =>
      this.#api.record({ ...request, before_seconds: lengths.before, after_seconds: lengths.after }, onAgain),
    );
    if (clip) this.#say(clip.status === "pending" ? text.record.started : text.record.ready);
  }

  /** @param {{camera: string, start: string, end: string, replay?: string}} wanted */
  async keepSpan(wanted) {
    const clip = await this.#ask("record", (onAgain) => this.#api.record(wanted, onAgain));
    if (clip) this.#say(clip.status === "draft" ? text.record.ready : text.rewind.keeping, "good");
  }

  async snapshot() {
    const clip = await this.#capture("snapshot", (request, onAgain) => this.#api.snapshot(request, onAgain));
    if (clip) this.#say(text.record.snapshotDone);
  }

  /** @param {string} id @param {"stop"|"retry"} action */
  runClipAction(id, action) {
    return this.withPending(id, async () => this.clipChanged(await this.#api.clipAction(id, action)));
  }

  /**
   * Reports every clip that changed or was deleted; id null: any clip may have changed.
   * @param {(id: string|null, clip: Clip|null) => void} watcher @param {AbortSignal} signal
   */
  watchClips(watcher, signal) {
    this.#watchers.add(watcher);
    signal.addEventListener("abort", () => this.#watchers.delete(watcher));
  }

  /** @param {Lengths} lengths */
  chooseLengths(lengths) {
    this.#chosen = lengths;
    this.#store.update({ lengths });
    localStorage.setItem(LENGTHS, JSON.stringify(lengths));
  }

  /** @param {Clip} clip */
  clipChanged(clip) {
    this.#store.update((state) => withClip(state, clip));
    for (const watcher of this.#watchers) watcher(clip.id, clip);
  }

  /** @param {{bucket: string, clip_id: string, sent_bytes: number, size_bytes: number}} progress */
  uploadProgressed({ bucket, clip_id, sent_bytes, size_bytes }) {
    if (bucket === "clips")
      this.#store.update((state) =>
        withCopy(state, clip_id, sent_bytes < size_bytes ? sent_bytes / size_bytes : undefined),
      );
  }

  /** @param {string} id */
  clipDeleted(id) {
    this.#store.update((state) => withoutClip(state, id, text.clip.gone));
    for (const watcher of this.#watchers) watcher(id, null);
  }

  /** @param {Camera} camera */
  cameraChanged(camera) {
    this.#store.update((state) => withCamera(state, this.#stamped(camera)));
  }

  /** The live socket reports a camera's state first. @param {{camera: string, state: any, reason: string}} change */
  cameraStateChanged({ camera, state, reason }) {
    const known = this.#store.state.cameras.items.find(({ id }) => id === camera);
    if (known && known.state !== state) this.cameraChanged({ ...known, state, reason, next_try: null });
  }

  /** @param {Camera} camera */
  #stamped(camera) {
    return { ...camera, received_ms: this.#clock.now_ms() };
  }

  /**
   * @param {"record"|"snapshot"} what
   * @param {(request: {camera: string, at?: string}, onAgain: () => void) => Promise<Clip>} send
   */
  async #capture(what, send) {
    const camera = currentCamera(this.#store.state);
    if (!camera) return null;
    const label_us = this.#labelOnScreen();
    const request = { camera: camera.id, ...(label_us === null ? {} : { at: formatLabel(label_us) }) };
    return this.#ask(what, (onAgain) => send(request, onAgain));
  }

  /**
   * @param {"record"|"snapshot"} what @param {(onAgain: () => void) => Promise<Clip>} send
   * @returns {Promise<Clip|null>} null: it has said why there is none
   */
  async #ask(what, send) {
    const { pending, session } = this.#store.state;
    if (pending[what] || session !== "ok") return null;
    if (isStale(this.#store.state)) {
      this.#say(text.record.noLink, "bad");
      return null;
    }
    const sent = (/** @type {number} */ times) =>
      this.#store.update((now) => ({ pending: { ...now.pending, [what]: times } }));
    sent(1);
    try {
      const clip = await send(() => sent(this.#store.state.pending[what] + 1));
      this.clipChanged(clip);
      return clip;
    } catch (error) {
      this.#say(words(error), "bad");
      return null;
    } finally {
      sent(0);
    }
  }

  /** Marks a clip as pending until its request is answered. @param {string} id @param {() => Promise<void>} request */
  async withPending(id, request) {
    if (this.#store.state.pending.ids.includes(id)) return false;
    this.#store.update(({ pending }) => ({ pending: { ...pending, ids: [...pending.ids, id] } }));
    try {
      await request();
      return true;
    } catch (error) {
      this.#say(words(error), "bad");
      return false;
    } finally {
      this.#store.update(({ pending }) => ({
        pending: { ...pending, ids: pending.ids.filter((other) => other !== id) },
      }));
    }
  }
}

/** @param {unknown} error @param {Credential} credential @param {boolean} byLink */
function refusal(error, credential, byLink) {
  const status = error instanceof ApiError ? error.status : 0;
  if (status === 429) return text.signIn.tooMany;
  if (status !== 401) return words(error);
  if (byLink) return text.signIn.usedLink;
  return "key" in credential ? text.signIn.wrongKey : text.signIn.wrongCode;
}

/** @param {unknown} error */
function words(error) {
  return error instanceof Error ? error.message : text.errors.unknown;
}

/**
 * The lengths chosen on this device; null: the daemon's defaults apply.
 * @returns {Lengths|null}
 */
function rememberedLengths() {
  try {
    const { before, after } = JSON.parse(localStorage.getItem(LENGTHS) ?? "");
    if (before >= 0 && (after === null || after >= 0)) return { before, after };
  } catch {
    // Nothing is stored, or something else's value.
  }
  return null;
}
