/** All keyboard shortcuts, and the switch that turns them off. */

import { text } from "../all_messages.js";
import { closeOnBackdrop } from "../backdrop.js";
import { h, icon } from "../dom.js";
import { setShortcutsEnabled, shortcutsEnabled } from "../shortcuts.js";
import { HsElement } from "./element.js";

/** @type {Array<[string, string]>} */
const KEYS = [
  ["R", text.help.record],
  ["S", text.help.snapshot],
  ["← →", text.help.look],
  ["I  O", text.help.mark],
  ["1 – 9", text.help.camera],
  ["F", text.help.fullScreen],
  ["?", text.help.help],
  ["Esc", text.help.close],
];

/** @type {Array<[string, string]>} */
const CLIP_KEYS = [
  ["Space K", text.help.play],
  ["J  L", text.help.skip],
  ["← →", text.help.seek],
  [",  .", text.help.frame],
  ["F", text.help.fullScreen],
  ["M", text.help.mute],
  ["P  N", text.help.neighbours],
];

export class HelpDialog extends HsElement {
  enabled = h("input", {
    type: "checkbox",
    id: "shortcuts-on",
    on: { change: () => setShortcutsEnabled(Boolean(this.enabled.checked)) },
  });
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
  dialog = h(
    "dialog",
    { class: "help", "aria-labelledby": "help-title" },
    this.close,
    h("h2", { id: "help-title" }, text.help.title),
    h("dl", { class: "keys" }, ...KEYS.map(keyRow)),
    h("h3", {}, text.help.clip),
    h("dl", { class: "keys" }, ...CLIP_KEYS.map(keyRow)),
    h("label", { class: "switch", for: "shortcuts-on" }, this.enabled, text.help.enable),
  );

  build() {
    this.append(this.dialog);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    closeOnBackdrop(this.dialog, signal);
  }

  open() {
    this.enabled.checked = shortcutsEnabled();
    this.dialog.showModal();
  }
}

/** @param {[string, string]} entry */
function keyRow([key, what]) {
  return h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what));
}

customElements.define("hs-help-dialog", HelpDialog);
