/**
 * Publishes one clip, now or at a time in the viewer's own zone, or withdraws it. Events: `publish` {at}, `unpublish`.
 */

import { h, setAttribute, setText } from "../dom.js";
import { formatMoment } from "../format.js";
import { text } from "../messages.js";
import { isReady } from "../store.js";
import { HsElement } from "./element.js";

/** @import { Clip } from "../types.js" */

const AHEAD_MS = 3_600_000;
const STEP_MS = 300_000;

/** The value of a `datetime-local` field, in the viewer's own zone. @param {Date} date */
function local(date) {
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

export class ClipPublishing extends HsElement {
  /** @type {Clip|null} */
  #clip = null;
  #choosing = false;

  words = h("p", { class: "publishing-words" });
  now = h("button", {
    type: "button",
    class: "button primary",
    on: { click: () => this.emit("publish", { at: null }) },
  });
  later = h("button", { type: "button", class: "button", on: { click: () => this.#choose(true) } });
  undo = h("button", { type: "button", class: "button", on: { click: () => this.emit("unpublish") } });
  time = h("input", { type: "datetime-local", id: "publish-at", step: 1, required: true });
  form = h(
    "form",
    {
      class: "publish-form",
      hidden: true,
      on: {
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#submit();
        },
      },
    },
    h("label", { for: "publish-at" }, text.clip.publishAt),
    this.time,
    h("button", { class: "button primary" }, text.clip.plan),
    h("button", { type: "button", class: "button", on: { click: () => this.#choose(false) } }, text.clip.leave),
  );
  row = h("div", { class: "clip-row" }, this.now, this.later, this.undo);

  build() {
    this.append(this.words, this.row, this.form);
  }

  /** @param {Clip} clip @param {boolean} pending */
  show(clip, pending) {
    const promised = clip.status === "draft" && Boolean(clip.publish_at);
    if (clip.id !== this.#clip?.id || clip.status !== "draft") this.#choosing = false;
    this.#clip = clip;
    this.hidden = !isReady(clip);
    setText(
      this.words,
      promised
        ? text.clip.promised(formatMoment(clip.publish_at ?? ""))
        : clip.published_at && clip.status === "published"
          ? text.clip.publishedAt(formatMoment(clip.published_at))
          : "",
    );
    this.words.hidden = this.words.textContent === "";
    setText(this.now, promised ? text.clip.publishNow : text.clip.publish);
    setText(this.later, promised ? text.clip.otherTime : text.clip.publishLater);
    setText(this.undo, promised ? text.clip.cancel : text.clip.unpublish);
    this.now.hidden = this.later.hidden = clip.status !== "draft";
    this.undo.hidden = clip.status === "draft" && !promised;
    setAttribute(this, "aria-busy", pending || null);
    this.#paint();
  }

  #paint() {
    this.form.hidden = !this.#choosing;
    this.row.hidden = this.#choosing;
  }

  /** @param {boolean} choosing */
  #choose(choosing) {
    this.#choosing = choosing;
    this.#paint();
    if (!choosing) return this.later.focus();
    this.time.min = local(new Date());
    this.time.value = local(new Date(this.#clip?.publish_at ?? Math.ceil((Date.now() + AHEAD_MS) / STEP_MS) * STEP_MS));
    this.time.focus();
  }

  #submit() {
    const at = new Date(this.time.value);
    if (Number.isNaN(at.getTime())) return;
    this.emit("publish", { at });
    this.#choose(false);
  }
}

customElements.define("hs-clip-publishing", ClipPublishing);
