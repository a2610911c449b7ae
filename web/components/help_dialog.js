/** Every shortcut, and the switch that turns them off. */

import { closeOnBackdrop, h, icon } from "../dom.js";
import { text } from "../messages.js";
import { setShortcutsEnabled, shortcutsEnabled } from "../shortcuts.js";
import { HsElement } from "./element.js";

/** @type {Array<[string, string]>} */
const KEYS = [
  ["R", text.help.record],
  ["S", text.help.snapshot],
  ["1 – 9", text.help.camera],
  ["F", text.help.fullScreen],
  ["?", text.help.help],
  ["Esc", text.help.close],
];

export class HelpDialog extends HsElement {
  build() {
    const rows = KEYS.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)));
    this.enabled = h("input", { type: "checkbox", id: "shortcuts-on", on: { change: () => setShortcutsEnabled(Boolean(this.enabled?.checked)) } });
    const close = h("button", { type: "button", class: "icon-button dialog-close", "aria-label": text.clip.close, on: { click: () => this.dialog?.close() } }, icon("close"));
    this.dialog = h("dialog", { class: "help", "aria-labelledby": "help-title" },
      close, h("h2", { id: "help-title" }, text.help.title), h("dl", { class: "keys" }, ...rows),
      h("label", { class: "switch", for: "shortcuts-on" }, this.enabled, text.help.enable));
    this.append(this.dialog);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    if (this.dialog) closeOnBackdrop(this.dialog, signal);
  }

  open() {
    if (this.enabled) this.enabled.checked = shortcutsEnabled();
    this.dialog?.showModal();
  }
}

customElements.define("hs-help-dialog", HelpDialog);
