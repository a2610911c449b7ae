/**
 * One clip over the page, with its own address. Wishes: `close-clip`, `change-clip`, `delete-clip` {id},
 * `retry-clip` {id}, `stop-recording` {id}.
 */

import { closeOnBackdrop, h, icon, setAttribute, setText } from "../dom.js";
import { clipBadge, clipTitle } from "../format.js";
import { text } from "../messages.js";
import { ClipDetails } from "./clip_details.js";
import { ClipPlayer } from "./clip_player.js";
import { HsElement } from "./element.js";
/** @import { Clip, State } from "../types.js" */

export class ClipDialog extends HsElement {
  /** @type {string|null} */
  #id = null;

  player = new ClipPlayer();
  details = new ClipDetails();
  badge = h("span", { class: "badge" });
  download = h("a", { class: "button", download: true }, icon("down"), text.clip.download);
  stop = h("button", { type: "button", class: "button", on: { click: () => this.#ask("stop-recording") } }, icon("stop"), text.record.stop);
  retry = h("button", { type: "button", class: "button", on: { click: () => this.#ask("retry-clip") } }, icon("retry"), text.clips.retry);
  discard = h("button", { type: "button", class: "button danger", on: { click: () => this.#ask("delete-clip") } }, icon("bin"), text.clip.remove);
  close = h("button", { type: "button", class: "icon-button dialog-close", "aria-label": text.clip.close, on: { click: () => this.dialog.close() } }, icon("close"));
  actions = h("div", { class: "clip-actions" }, this.stop, this.retry, this.download, this.discard, this.badge);
  body = h("div", { class: "clip-body" }, this.details, this.actions);
  gone = h("div", { class: "state", role: "alert" }, icon("film"), h("p"));
  dialog = h("dialog", { class: "clip-dialog", on: { close: () => { if (this.#id) this.wish("close-clip"); } } },
    this.close, this.player, this.gone, this.body);

  build() {
    this.append(this.dialog);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    closeOnBackdrop(this.dialog, signal);
  }

  /** @param {State} state */
  show(state) {
    const { dialog, player, details, body, gone } = this;
    const clip = state.openClip;
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
    if (clip) {
      details.show(clip, state.cameras.items, state.pending.ids.includes(clip.id));
      this.#showActions(clip, state.pending.ids.includes(clip.id));
    }
  }

  /** @param {Clip} clip @param {boolean} asked */
  #showActions(clip, asked) {
    const { stop, retry, download, badge } = this;
    stop.hidden = clip.status !== "pending";
    retry.hidden = clip.status !== "failed" || !clip.retryable;
    stop.disabled = retry.disabled = asked;
    const ready = (clip.status === "draft" || clip.status === "published") && clip.download_url;
    download.hidden = !ready;
    setAttribute(download, "href", ready || null);
    setText(badge, clipBadge(clip));
    badge.dataset.status = clip.status;
  }

  /** @param {string} name */
  #ask(name) {
    if (this.#id) this.wish(name, { id: this.#id });
  }
}

customElements.define("hs-clip-dialog", ClipDialog);
