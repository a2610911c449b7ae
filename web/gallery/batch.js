/** One action for many clips: sends the request and reports the outcome. */

import { text } from "../all_messages.js";
/** @import { Services } from "../types.js" */

/**
 * Each clip has its own result.
 * @param {Services} services @param {string} action publish, unpublish, retry or delete @param {readonly string[]} ids
 * @returns {Promise<string[]>} the clips for which it failed
 */
export async function batch({ actions, api, confirm, say }, action, ids) {
  const question = {
    title: text.gallery.removeMany(ids.length),
    body: text.clip.removeBody,
    yes: text.clip.remove,
    no: text.clip.keep,
  };
  if (action === "delete" && !(await confirm(question))) return [...ids];
  try {
    const { done, results } = await api.batch(action, ids);
    for (const { id, ok, clip } of results) {
      if (clip) actions.clipChanged(clip);
      else if (ok && action === "delete") actions.clipDeleted(id);
    }
    const refused = results.filter(({ ok }) => !ok);
    say(
      refused.length
        ? text.gallery.someDone(done, refused.length, refused[0].error?.detail ?? "")
        : text.gallery.done(done),
      refused.length ? "bad" : "good",
    );
    return refused.map(({ id }) => id);
  } catch (error) {
    say(/** @type {Error} */ (error).message, "bad");
    return [...ids];
  }
}
