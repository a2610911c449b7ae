/**
 * One clip over the page, with its own address. Events: `close-clip`, `retry-clip` {id}, `stop-recording` {id}, `help`;
 * the dialog handles all others.
 */

import { closeOnBackdrop, whenClosed } from "../backdrop.js";
import { ClipActions } from "../clip/clip_actions.js";
import { playerKeys } from "../clip/keys.js";
import { Likes } from "../clip/likes.js";
import { h, icon, setAttribute, setText, stylesheet } from "../dom.js";
import { clipTitle } from "../format.js";
import { text } from "../messages.js";
import { bindShortcuts } from "../shortcuts.js";
import { copyOf } from "../store.js";
import { ClipActionBar } from "./clip_action_bar.js";
import { ClipDetails } from "./clip_details.js";
import { ClipNeighbours } from "./clip_neighbours.js";
import { ClipPlayer } from "./clip_player.js";
import { ClipPreviews } from "./clip_previews.js";
import { ClipPublishing } from "./clip_publishing.js";
import { HsElement } from "./element.js";
/** @import { Clip, PreviewSource, Services, State } from "../types.js" */

export class ClipDialog extends HsElement {
  /** @type {string|null} */
  #id = null;
  /** @type {Clip|null} */
  #clip = null;
  #actions;
  #likes;
  /** @type {(id: string) => readonly Clip[]|null} */
  #clipList;

  player = new ClipPlayer();
  previews = new ClipPreviews();
  details = new ClipDetails();
  publishing = new ClipPublishing();
  bar = new ClipActionBar();
  close = h(
    "button",
    {
      type: "button",
      class: "icon-button dialog-close",
      "aria-label": text.clip.close,
      on: { click: () => this.dialog.close() },
    },
    icon("close"),
  );
  neighbours = new ClipNeighbours();
  stage = h("div", { class: "clip-stage", tabindex: -1 }, this.player, this.previews.still, this.neighbours);
  body = h("div", { class: "clip-body" }, this.previews, this.details, this.publishing, this.details.facts, this.bar);
  gone = h("div", { class: "state", role: "alert" }, icon("film"), h("p"));
  dialog = h("dialog", { class: "clip-dialog" }, this.close, this.stage, this.gone, this.body);

  /**
   * @param {Services} services
   * @param {(id: string) => readonly Clip[]|null} clipList the clips in the order of the screen below
   */
  constructor(services, clipList) {
    super();
    this.#actions = new ClipActions(services);
    this.#likes = new Likes(this.#actions, (liked) => this.bar.liked(liked));
    this.#clipList = clipList;
    this.player.api = services.api;
    stylesheet("clip");
  }

  build() {
    this.append(this.dialog);
    const actions = this.#actions;
    const handlers = /** @type {Record<string, (clip: Clip, detail: any) => unknown>} */ ({
      "set-thumbnail": (clip, { source }) => this.#setThumbnail(clip, source),
      look: () => this.video?.pause(),
      publish: ({ id }, { at }) => actions.publish(id, at),
      unpublish: (clip) => actions.unpublish(clip),
      "change-clip": (clip, { changes }) => actions.change(clip, changes),
      "delete-clip": (clip) => actions.remove(clip),
      favourite: (clip) => actions.favourite(clip),
      like: (clip, { on }) => this.#likes.press(clip, on),
    });
    for (const [name, handle] of Object.entries(handlers)) {
      this.addEventListener(name, (event) => {
        event.stopPropagation();
        if (this.#clip) handle(this.#clip, /** @type {CustomEvent} */ (event).detail);
      });
    }
    this.addEventListener("play", () => this.previews.look(null), { capture: true });
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    closeOnBackdrop(this.dialog, signal);
    const leave = () => this.#id && this.emit("close-clip");
    whenClosed(this.dialog, leave, signal);
    bindShortcuts(playerKeys(this), signal, this.dialog);
  }

  /** @param {State} state */
  show(state) {
    const { dialog, player, details, body, gone } = this;
    const clip = state.openClip;
    this.#clip = clip;
    const changed = this.#id !== state.openId;
    this.#id = state.openId;
    player.show(state.openId ? clip : null);
    if (state.openId === null) return dialog.open ? dialog.close() : undefined;
    if (!dialog.open) dialog.showModal();
    if (changed) dialog.scrollTop = 0;
    setAttribute(dialog, "aria-label", clip ? clipTitle(clip, state.cameras.items) : text.clips.title);
    player.hidden = body.hidden = clip === null;
    gone.hidden = state.openError === null || clip !== null;
    setText(/** @type {HTMLElement} */ (gone.lastElementChild), state.openError ?? "");
    this.neighbours.show(state.openId, this.#clipList(state.openId) ?? state.clips.items);
    if (clip) {
      const pending = state.pending.ids.includes(clip.id);
      details.show(clip, state.cameras.items, pending, copyOf(state, clip));
      for (const part of [this.previews, this.publishing, this.bar]) part.show(clip, pending);
      this.#likes.follow(clip);
    }
    // A button that disappeared took the focus with it; on the picture every key works.
    if (changed || document.activeElement === document.body) this.stage.focus({ preventScroll: true });
  }

  /** The player's video, once it can seek. */
  get video() {
    const video = this.player.querySelector("video");
    return video && video.readyState >= HTMLMediaElement.HAVE_METADATA && !video.error ? video : null;
  }

  get isPicture() {
    return this.#clip?.media_type === "image";
  }

  get frame_s() {
    return 1 / (this.#clip?.fps || 30);
  }

  /** @param {Clip} clip @param {PreviewSource|null} source the picture on screen; null: the player or its poster */
  #setThumbnail({ id }, source) {
    const { frame } = this.player;
    if (source === null && this.video && frame?.isUncovered) return this.#actions.setFrame(id, () => frame.number());
    const shown = source ?? this.previews.chosen;
    if (shown === "manual" || shown === null) return this.#actions.say(text.clip.thumbnailAlready);
    return this.#actions.promotePreview(id, shown);
  }
}

customElements.define("hs-clip-dialog", ClipDialog);
