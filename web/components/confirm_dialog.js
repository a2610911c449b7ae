/** Asks before something that cannot be undone. The safe answer has the focus. */

import { closeOnBackdrop, h, setText } from "../dom.js";
import { HsElement } from "./element.js";

export class ConfirmDialog extends HsElement {
  build() {
    this.heading = h("h2", { id: "confirm-title" });
    this.words = h("p", { id: "confirm-words" });
    this.no = h("button", { class: "button", value: "no" });
    this.yes = h("button", { class: "button danger solid", value: "yes" });
    this.dialog = h("dialog", { class: "confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-words" },
      h("form", { method: "dialog" }, this.heading, this.words, h("div", { class: "confirm-actions" }, this.no, this.yes)));
    this.append(this.dialog);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    if (this.dialog) closeOnBackdrop(this.dialog, signal);
  }

  /**
   * @param {{title: string, body: string, yes: string, no: string}} words
   * @returns {Promise<boolean>}
   */
  ask({ title, body, yes, no }) {
    const dialog = /** @type {HTMLDialogElement} */ (this.dialog);
    if (this.heading) setText(this.heading, title);
    if (this.words) setText(this.words, body);
    if (this.yes) setText(this.yes, yes);
    if (this.no) setText(this.no, no);
    dialog.returnValue = "";
    dialog.showModal();
    this.no?.focus();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }
}

customElements.define("hs-confirm-dialog", ConfirmDialog);
