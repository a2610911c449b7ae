/** Where a player of this browser gets a clip: through the playback resolver, in a form that it plays exactly. */

import { playsExactly } from "./edit_lists.js";

/** @import { Api } from "../api.js" */
/** @import { Clip, Playback } from "../types.js" */

/** The server makes clean forms one after the other, and holds few requests of one browser. */
let last = Promise.resolve();

/**
 * @param {Api} api @param {Clip} clip @param {AbortSignal} signal
 * @param {"expired"|"failed"} [after] why the previous address does not work
 * @param {() => void} [onPreparing] a clean form is requested, which may have to be made first
 * @returns {Promise<Playback>}
 */
export async function resolvePlayback(api, clip, signal, after, onPreparing) {
  const { id } = clip;
  if (await playsExactly(clip)) {
    const found = await api.playback(id, { after }, signal);
    // A proxy that does not announce https leads to an http address, which the browser would refuse.
    const refused = location.protocol === "https:" && found.playback_url.startsWith("http:");
    return refused ? api.playback(id, { after: "failed" }, signal) : found;
  }
  onPreparing?.();
  const found = last.then(() => {
    signal.throwIfAborted();
    return api.playback(id, { after, form: "clean" }, signal);
  });
  last = found.then(
    () => undefined,
    () => undefined,
  );
  return found;
}
