/**
 * The page's state, without DOM: frozen snapshots, pure functions between them, and listeners. Nothing here assumes
 * that a request succeeds; only responses and events change cameras and clips.
 */

/** @import { Camera, Clip, CopyState, State } from "./types.js" */

/** @type {State} */
export const INITIAL = Object.freeze({
  session: "unknown",
  sessionError: null,
  sessionNotice: null,
  signingIn: false,
  link: "connecting",
  heard_ms: null,
  cameras: Object.freeze({ status: "loading", items: [], error: null }),
  clips: Object.freeze({ status: "loading", items: [], error: null, cursor: null, loadingMore: false }),
  copies: Object.freeze({}),
  warnings: Object.freeze({}),
  camera: null,
  query: new URLSearchParams(),
  openId: null,
  openClip: null,
  openError: null,
  lengths: Object.freeze({ before: 15, after: 15 }),
  pending: Object.freeze({ record: 0, snapshot: 0, ids: [] }),
});

export class Store {
  /** @type {State} */
  #state;
  /** @type {Set<(state: State, before: State) => void>} */
  #listeners = new Set();

  /** @param {State} [state] */
  constructor(state = INITIAL) {
    this.#state = state;
  }

  get state() {
    return this.#state;
  }

  /** @param {Partial<State>|((state: State) => Partial<State>)} change */
  update(change) {
    const before = this.#state;
    const patch = typeof change === "function" ? change(before) : change;
    this.#state = Object.freeze({ ...before, ...patch });
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  /**
   * @param {(state: State, before: State) => void} listener called at once and after every change
   * @param {{signal?: AbortSignal}} [options]
   */
  subscribe(listener, { signal } = {}) {
    this.#listeners.add(listener);
    signal?.addEventListener("abort", () => this.#listeners.delete(listener));
    listener(this.#state, this.#state);
  }
}

/** @param {Clip|null|undefined} known @param {Clip} fresh @returns {Clip} the newer version of the same clip */
function newest(known, fresh) {
  return known && known.id === fresh.id && known.version > fresh.version ? known : fresh;
}

/**
 * @param {readonly Clip[]} known
 * @param {readonly Clip[]} answer
 * @returns {Clip[]} the clips of the response, each in its newest version: an event may have overtaken it
 */
export function refreshed(known, answer) {
  const byId = new Map(known.map((clip) => [clip.id, clip]));
  return answer.map((clip) => newest(byId.get(clip.id), clip));
}

/**
 * @param {readonly Clip[]} known
 * @param {readonly Clip[]} fresh replace clips with the same id unless they are older: responses and events may cross
 */
export function mergeClips(known, fresh) {
  const byId = new Map(known.map((clip) => [clip.id, clip]));
  for (const clip of fresh) byId.set(clip.id, newest(byId.get(clip.id), clip));
  // By number, as the server lists them: its clock may have been set.
  return [...byId.values()].sort((a, b) => b.number - a.number);
}

/** @param {State} state @param {Clip} clip @returns {Partial<State>} */
export function withClip(state, clip) {
  const items = mergeClips(state.clips.items, [clip]);
  return { ...withCopy(state, clip.id), clips: { ...state.clips, items }, ...withOpenClip(state, clip) };
}

/** @param {State} state @param {Clip} clip @returns {Partial<State>} nothing if another clip is open by now */
export function withOpenClip(state, clip) {
  if (state.openId !== clip.id) return {};
  return { openClip: newest(state.openClip, clip), openError: null };
}

/**
 * Sets the progress of a clip's copy to the object store; without `share`, removes it.
 * @param {State} state
 * @param {string} id
 * @param {number} [share]
 */
export function withCopy(state, id, share) {
  const { [id]: _, ...others } = state.copies;
  return { copies: share === undefined ? others : { ...others, [id]: share } };
}

/**
 * The state of a clip's copy to the object store; undefined: it is not being copied.
 * @param {State} state @param {Clip} clip
 * @returns {CopyState|undefined}
 */
export function copyOf({ copies, warnings }, clip) {
  const waits = clip.location === "local" && isReady(clip);
  return copies[clip.id] ?? (waits ? warnings.storage : undefined);
}

/** @param {State} state @param {string} id @param {string} goneMessage @returns {Partial<State>} */
export function withoutClip(state, id, goneMessage) {
  const items = state.clips.items.filter((clip) => clip.id !== id);
  return {
    clips: { ...state.clips, items },
    ...(state.openId === id ? { openClip: null, openError: goneMessage } : {}),
  };
}

/** @param {State} state @param {Camera} camera @returns {Partial<State>} */
export function withCamera(state, camera) {
  const known = state.cameras.items.some((item) => item.id === camera.id);
  const items = known
    ? state.cameras.items.map((item) => (item.id === camera.id ? camera : item))
    : [...state.cameras.items, camera];
  return { cameras: { ...state.cameras, items } };
}

/** The camera on screen: the chosen one while it exists, else the first. @param {State} state */
export function currentCamera(state) {
  return state.cameras.items.find((camera) => camera.id === state.camera) ?? state.cameras.items[0] ?? null;
}

/** Recordings under way, oldest first. @param {State} state @param {string} camera */
export function runningClips(state, camera) {
  return state.clips.items.filter((clip) => clip.camera === camera && clip.status === "pending").reverse();
}

/** Whether its file is finished. @param {Clip} clip */
export function isReady({ status }) {
  return status === "draft" || status === "published";
}

/** @param {Clip} clip */
export function isOpenEnded(clip) {
  return clip.status === "pending" && clip.planned_end === null;
}

/** How long the clip will be; null: until it is stopped. @param {Clip} clip */
export function plannedSeconds(clip) {
  return clip.planned_end ? (Date.parse(clip.planned_end) - Date.parse(clip.start_time)) / 1000 : null;
}

/** @param {Clip} clip @param {number} now_ms on the server's clock */
export function elapsedSeconds(clip, now_ms) {
  const elapsed = (now_ms - Date.parse(clip.start_time)) / 1000;
  return Math.max(0, Math.min(elapsed, plannedSeconds(clip) ?? elapsed));
}
