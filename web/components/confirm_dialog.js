/** Confirms an action that cannot be undone. The safe answer has the focus. */

import { closeOnBackdrop, whenClosed } from "../backdrop.js";
import { h, setText } from "../dom.js";
import { HsElement } from "./element.js";

export class ConfirmDialog extends HsElement {
  /** @type {(yes: boolean) => void} answers the question that is on screen */
  #answer = () => undefined;

  heading = h("h2", { id: "confirm-title" });
  words = h("p", { id: "confirm-words" });
  no = h("button", { class: "button", value: "no" });
  yes = h("button", { class: "button danger solid", value: "yes" });
  dialog = h(
    "dialog",
    { class: "confirm", role: "alertdialog", "aria-labelledby": "confirm-title", "aria-describedby": "confirm-words" },
    h(
      "form",
      { method: "dialog" },
      this.heading,
      this.words,
      h("div", { class: "confirm-actions" }, this.no, this.yes),
    ),
  );

  build() {
    this.append(this.dialog);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    closeOnBackdrop(this.dialog, signal);
    whenClosed(this.dialog, () => this.#answer(this.dialog.returnValue === "yes"), signal);
  }

  /**
   * @param {{title: string, body: string, yes: string, no: string}} words
   * @returns {Promise<boolean>}
   */
  ask({ title, body, yes, no }) {
    const dialog = this.dialog;
    setText(this.heading, title);
    setText(this.words, body);
    setText(this.yes, yes);
    setText(this.no, no);
    this.#answer(dialog.returnValue === "yes" && !dialog.open);
    dialog.returnValue = "";
    if (!dialog.open) dialog.showModal();
    this.no.focus();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }
}

customElements.define("hs-confirm-dialog", ConfirmDialog);
