/**
 * The details of one clip: title, caption and tags to edit, facts, and its error or gaps. Events: `change-clip`
 * {changes}.
 */

import { h, icon, setAttribute, setText } from "../dom.js";
import { cameraName, clipError, copyWords, formatBytes, formatMoment, formatTimer } from "../format.js";
import { formatBeside } from "../gallery/order.js";
import { text } from "../messages.js";
import { clipHref } from "../router.js";
import { HsElement } from "./element.js";
/** @import { Camera, Clip, ClipChanges, CopyState } from "../types.js" */

export class ClipDetails extends HsElement {
  /** @type {Clip|null} */
  #clip = null;

  heading = h("input", {
    id: "clip-title",
    name: "title",
    class: "title-field",
    maxlength: 200,
    autocomplete: "off",
    placeholder: text.clip.titleHint,
    "aria-label": text.clip.title,
  });
  caption = h("textarea", {
    id: "clip-caption",
    name: "caption",
    class: "caption-field",
    rows: 2,
    maxlength: 5000,
    placeholder: text.clip.captionHint,
    "aria-label": text.clip.caption,
  });
  tags = h("input", {
    id: "clip-tags",
    name: "tags",
    class: "caption-field",
    maxlength: 1100,
    autocomplete: "off",
    placeholder: text.clip.tagsHint,
    "aria-label": text.clip.tags,
  });
  save = h("button", { class: "button primary", hidden: true }, text.clip.save);
  form = h(
    "form",
    {
      class: "clip-form",
      on: {
        input: () => this.#dirty(),
        submit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.#submit();
        },
      },
    },
    this.heading,
    this.caption,
    this.tags,
    this.save,
  );
  /** The dialog places the facts itself. */
  facts = h("dl", { class: "facts" });
  alert = h("p", { class: "clip-alert", hidden: true });

  build() {
    this.append(this.form, this.alert);
  }

  /**
   * @param {Clip} clip
   * @param {readonly Camera[]} cameras
   * @param {boolean} saving
   * @param {CopyState} [copied]
   */
  show(clip, cameras, saving, copied) {
    const other = clip.id !== this.#clip?.id;
    // An update from the server does not overwrite what the user is typing.
    if (other || this.heading.value === (this.#clip?.title ?? "")) this.heading.value = clip.title;
    if (other || this.caption.value === (this.#clip?.caption ?? "")) this.caption.value = clip.caption;
    if (other || same(this.tags.value, this.#clip?.tags ?? [])) this.tags.value = clip.tags.join(", ");
    this.#clip = clip;
    this.save.disabled = saving;
    setText(this.save, saving ? text.clip.saving : text.clip.save);
    this.#dirty();
    const gaps = clip.gaps.length ? text.clip.gaps(clip.gaps.length) : "";
    setText(this.alert, clip.status === "failed" ? clipError(clip) : gaps);
    this.alert.hidden = this.alert.textContent === "";
    this.#showFacts(clip, cameras, copyWords(clip, copied));
  }

  #dirty() {
    this.save.hidden = Object.keys(this.#changes()).length === 0;
  }

  #submit() {
    const changes = this.#changes();
    if (this.#clip && Object.keys(changes).length) this.emit("change-clip", { changes });
  }

  #changes() {
    /** @type {ClipChanges} */
    const changes = {};
    if (this.heading && this.heading.value !== (this.#clip?.title ?? "")) changes.title = this.heading.value;
    if (this.caption && this.caption.value !== (this.#clip?.caption ?? "")) changes.caption = this.caption.value;
    if (this.tags && !same(this.tags.value, this.#clip?.tags ?? [])) changes.tags = tagsOf(this.tags.value);
    return changes;
  }

  /** @param {Clip} clip @param {readonly Camera[]} cameras @param {string} copy */
  #showFacts(clip, cameras, copy) {
    /** @type {Array<[string, string|Node]>} */
    const rows = [
      [text.clip.camera, cameraName(clip.camera, cameras)],
      [text.clip.starts, h("time", { datetime: clip.start_time }, formatMoment(clip.start_time))],
    ];
    const made = formatBeside(clip.created_at, clip.start_time, Date.now());
    rows.push([text.clip.made, h("time", { datetime: clip.created_at }, made)]);
    if (clip.duration_seconds && clip.media_type === "video")
      rows.push([text.clip.length, formatTimer(Math.round(clip.duration_seconds))]);
    if (clip.width && clip.height) rows.push([text.clip.picture, `${clip.width} × ${clip.height}`]);
    if (clip.size_bytes) rows.push([text.clip.size, formatBytes(clip.size_bytes)]);
    if (copy) rows.push([text.clip.stored, copy]);
    const next = /** @type {Array<[string, string|null]>} */ ([
      [text.clip.continuedFrom, clip.continued_from],
      [text.clip.continuedBy, clip.continued_by],
    ]);
    for (const [label, id] of next) if (id) rows.push([label, h("a", { href: clipHref(id) }, icon("play"))]);
    for (const [label, value] of rows)
      if (value instanceof Element) setAttribute(value, "aria-label", value.textContent || label);
    this.facts.replaceChildren(...rows.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", {}, value))));
  }
}

/** @param {string} words */
function tagsOf(words) {
  return [
    ...new Set(
      words
        .split(",")
        .map((tag) => tag.trim())
        .filter(Boolean),
    ),
  ];
}

/** @param {string} words @param {readonly string[]} tags */
function same(words, tags) {
  return tagsOf(words).join() === tags.join();
}

customElements.define("hs-clip-details", ClipDetails);
