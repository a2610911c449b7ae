/** Short messages above everything else, announced politely, which disappear by themselves. */

import { h, icon } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

const STAY_MS = 5000;
const STAY_ERROR_MS = 12_000;

export class Toasts extends HsElement {
  build() {
    this.setAttribute("popover", "manual");
    this.setAttribute("role", "log");
    this.setAttribute("aria-live", "polite");
  }

  /** @param {string} words @param {"good"|"bad"} [tone] @returns {() => void} takes it back before its time */
  say(words, tone = "good") {
    this.#raise();
    const close = h(
      "button",
      { type: "button", class: "icon-button", "aria-label": text.dismiss, on: { click: () => this.#remove(toast) } },
      icon("close"),
    );
    const toast = h("div", { class: "toast", "data-tone": tone }, h("span", {}, words), close);
    this.append(toast);
    while (this.childElementCount > 3) this.firstElementChild?.remove();
    setTimeout(() => this.#remove(toast), tone === "bad" ? STAY_ERROR_MS : STAY_MS);
    return () => this.#remove(toast);
  }

  /** An open modal dialog makes everything outside inert, so the toasts move into the topmost one. */
  #raise() {
    const dialogs = document.querySelectorAll("dialog:modal");
    const host = dialogs[dialogs.length - 1] ?? document.body;
    if (this.parentElement !== host) host.append(this);
    if (this.matches(":popover-open")) this.hidePopover();
    this.showPopover();
  }

  /** @param {Element} toast */
  #remove(toast) {
    toast.remove();
    if (this.childElementCount > 0 || !this.isConnected) return;
    if (this.matches(":popover-open")) this.hidePopover();
    if (this.parentElement !== document.body) document.body.append(this);
  }
}

customElements.define("hs-toasts", Toasts);
