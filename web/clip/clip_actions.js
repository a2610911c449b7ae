/** The actions that only the clip dialog offers: each sends a request, stores the response and reports the outcome. */

import { formatMoment } from "../format.js";
import { text } from "../messages.js";
import { leaveClip } from "../router.js";
/** @import { Clip, ClipChanges, PreviewSource, Services } from "../types.js" */

export class ClipActions {
  #api;
  #actions;
  #say;
  #confirm;

  /** @param {Services} services */
  constructor({ api, actions, say, confirm }) {
    this.#api = api;
    this.#actions = actions;
    this.#say = say;
    this.#confirm = confirm;
  }

  /** @param {string} words */
  say(words) {
    this.#say(words);
  }

  /** Makes a frame of the clip its thumbnail. @param {string} id @param {() => Promise<number>} number of the frame */
  setFrame(id, number) {
    return this.#setPicture(id, "set_manual_from_timestamp", async () => ({ frame: await number() }));
  }

  /** Makes one of its previews its thumbnail. @param {string} id @param {PreviewSource} source */
  promotePreview(id, source) {
    return this.#setPicture(id, "promote_preview", () => ({ source }));
  }

  /** @param {string} id @param {Date|null} at null: now */
  publish(id, at) {
    return this.#run(id, "publish", at ? { at: at.toISOString() } : {}, (clip) =>
      clip.status === "published" ? text.clip.isPublished : text.clip.promised(formatMoment(clip.publish_at ?? "")),
    );
  }

  /** @param {Clip} clip */
  unpublish({ id, status }) {
    return this.#run(id, "unpublish", undefined, () =>
      status === "published" ? text.clip.isUnpublished : text.clip.isCancelled,
    );
  }

  /** @param {Clip} clip @param {ClipChanges} changes */
  change({ id }, changes) {
    return this.#actions.withPending(id, async () => {
      this.#actions.clipChanged(await this.#api.change(id, changes));
      this.#say(text.clip.saved);
    });
  }

  /** @param {Clip} clip */
  async remove({ id, media_type }) {
    const [title, body] =
      media_type === "image"
        ? [text.clip.removeSnapshotTitle, text.clip.removeSnapshotBody]
        : [text.clip.removeTitle, text.clip.removeBody];
    if (!(await this.#confirm({ title, body, yes: text.clip.remove, no: text.clip.keep }))) return;
    await this.#actions.withPending(id, async () => {
      await this.#api.remove(id);
      this.#actions.clipDeleted(id);
      this.#say(text.clip.removed);
      leaveClip(id);
    });
  }

  /** @param {Clip} clip */
  favourite({ id, keep }) {
    return this.#actions.withPending(id, async () =>
      this.#actions.clipChanged(await this.#api.change(id, { keep: !keep })),
    );
  }

  /** @param {string} id @param {boolean} on */
  like(id, on) {
    return this.#actions.withPending(id, async () => this.#actions.clipChanged(await this.#api.like(id, on)));
  }

  /** @param {string} id @returns {Promise<boolean>} whether this viewer likes it */
  async liked(id) {
    try {
      return (await this.#api.liked(id)).liked;
    } catch {
      return false; // The count is shown all the same.
    }
  }

  /** @param {string} id @param {string} action @param {() => object|Promise<object>} body */
  #setPicture(id, action, body) {
    return this.#actions.withPending(id, async () => {
      await this.#api.clipAction(id, action, await body());
      this.#say(text.clip.thumbnailSet);
      this.#actions.clipChanged(await this.#api.clip(id));
    });
  }

  /** @param {string} id @param {string} action @param {object|undefined} body @param {(clip: Clip) => string} report */
  #run(id, action, body, report) {
    return this.#actions.withPending(id, async () => {
      const clip = await this.#api.clipAction(id, action, body);
      this.#actions.clipChanged(clip);
      this.#say(report(clip));
    });
  }
}
