/**
 * Signs another device in: makes a one-time code, shows it with its link and how long it works, and notices when it was
 * used. Event: `invitation-over`, after which the parent calls `end` with what became of it.
 */

import { text } from "../all_messages.js";
import { h, setAttribute, setText } from "../dom.js";
import { isLoopback } from "../encryption.js";
import { formatTimer } from "../format.js";
import { HsElement } from "./element.js";

/** @import { Invitation as Made, Services } from "../types.js" */

const LOOK_EVERY_MS = 2000;

export class Invitation extends HsElement {
  #services;
  /** @type {(Made & {until_ms: number})|null} */
  #made = null;
  #looked_ms = 0;

  make = h("button", { type: "button", class: "button", on: { click: () => this.#invite() } }, text.devices.invite);
  code = h("output", { class: "invitation-code", "aria-label": text.devices.code });
  link = h("input", { id: "invitation-link", readonly: true, on: { focus: () => this.link.select() } });
  copy = h("button", { type: "button", class: "button", on: { click: () => this.#copy() } }, text.devices.copy);
  left = h("p", { class: "soft", role: "timer" });
  own = h("p", { class: "soft" }, text.devices.ownAddress);
  panel = h(
    "div",
    { class: "invitation", hidden: true },
    h("p", {}, text.devices.how),
    this.code,
    h("label", { for: "invitation-link" }, text.devices.link),
    h("div", { class: "invitation-link" }, this.link, this.copy),
    this.own,
    this.left,
  );
  outcome = h("p", { role: "status" });

  /** @param {Services} services */
  constructor(services) {
    super();
    this.#services = services;
  }

  build() {
    this.append(this.make, this.panel, this.outcome);
  }

  /** @param {AbortSignal} signal */
  connected(signal) {
    const timer = setInterval(() => this.#tick(), 500);
    signal.addEventListener("abort", () => clearInterval(timer));
  }

  /** @param {string} words what became of the code */
  end(words) {
    this.#made = null;
    this.#paint();
    setText(this.outcome, words);
  }

  async #invite() {
    setAttribute(this.make, "disabled", true);
    setText(this.outcome, "");
    try {
      const made = await this.#services.api.invite();
      this.#made = { ...made, until_ms: Date.now() + made.expires_in_seconds * 1000 };
      this.#looked_ms = Date.now();
      this.#paint();
      this.copy.focus();
    } catch (error) {
      this.#services.say(/** @type {Error} */ (error).message, "bad");
    } finally {
      setAttribute(this.make, "disabled", false);
    }
  }

  #paint() {
    const made = this.#made;
    this.panel.hidden = made === null;
    this.make.hidden = made !== null;
    setText(this.code, made?.code ?? "");
    const link = new URL(made?.url ?? "", location.href);
    this.link.value = made ? link.href : "";
    this.own.hidden = !isLoopback(link.hostname);
    if (made) setText(this.left, text.devices.left(formatTimer((made.until_ms - Date.now()) / 1000)));
  }

  async #tick() {
    const made = this.#made;
    if (!made || document.hidden) return;
    const now_ms = Date.now();
    this.#paint();
    if (now_ms - this.#looked_ms < LOOK_EVERY_MS) return;
    this.#looked_ms = now_ms;
    const { open } = await this.#services.api.invitation(made.id).catch(() => ({ open: true }));
    const over = !open || now_ms >= made.until_ms;
    if (over && this.#made === made && this.isConnected) this.emit("invitation-over");
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.link.value);
    } catch {
      // Over plain http only the old command reaches the clipboard; where it fails, the link stays selected.
      this.link.focus();
      if (!document.execCommand("copy")) return;
    }
    this.#services.say(text.devices.copied);
  }
}

customElements.define("hs-invitation", Invitation);
