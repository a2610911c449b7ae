/**
 * The form for a one-time code or the access key. Event: `sign-in` with a Credential. Attributes: `error`, why the last
 * one was refused; `notice`, what to know before the next; `busy`, while the server is asked.
 */

import { text } from "../all_messages.js";
import { isBeyondCode, readCredential } from "../credentials.js";
import { h, icon, setAttribute, setText } from "../dom.js";
import { HsElement } from "./element.js";
import { EncryptionNote } from "./encryption_note.js";

export class SignIn extends HsElement {
  static observedAttributes = ["error", "notice", "busy"];

  // A code is typed, so it is shown, in capitals as on the terminal, and "one-time-code" keeps browsers from offering
  // to save it. A key is pasted, and from the ninth letter on the field is one for a password: browsers keep it neither
  // among the words once typed into forms nor with the tab, and password managers offer to save it.
  field = h("input", {
    id: "credential",
    type: "text",
    inputmode: "text",
    autocapitalize: "characters",
    autocomplete: "one-time-code",
    autocorrect: "off",
    spellcheck: "false",
    enterkeyhint: "go",
    placeholder: "XXXX-XXXX",
    "aria-describedby": "sign-in-error sign-in-hint",
    on: {
      input: () => {
        this.#adapt();
        this.#say("");
      },
    },
  });
  error = h("p", { id: "sign-in-error", class: "field-error", role: "alert" });
  notice = h("p", { class: "sign-in-notice", role: "status" });
  button = h("button", { class: "button primary wide" }, text.signIn.submit);

  build() {
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    const form = h(
      "form",
      { class: "sign-in", on: { submit } },
      icon("mark"),
      h("h1", {}, text.signIn.title),
      this.notice,
      h("p", {}, text.signIn.body),
      h("input", { name: "username", autocomplete: "username", value: text.app.name, hidden: true, readonly: true }),
      h("label", { for: "credential" }, text.signIn.label),
      this.field,
      this.error,
      this.button,
      h("p", { id: "sign-in-hint", class: "sign-in-hint" }, text.signIn.hint),
      new EncryptionNote(),
    );
    this.append(h("main", { id: "main", tabindex: "-1" }, form));
  }

  connected() {
    this.attributeChangedCallback();
    this.field.focus();
  }

  attributeChangedCallback() {
    const error = this.getAttribute("error") ?? "";
    const notice = this.getAttribute("notice") ?? "";
    this.button.disabled = this.hasAttribute("busy");
    this.notice.hidden = !notice;
    setText(this.notice, notice);
    this.#say(error);
    if (error) this.field.select();
  }

  #adapt() {
    const { field } = this;
    const isKey = isBeyondCode(String(field.value));
    setAttribute(field, "type", isKey ? "password" : "text");
    setAttribute(field, "autocomplete", isKey ? "current-password" : "one-time-code");
    setAttribute(field, "autocapitalize", isKey ? "off" : "characters");
  }

  #submit() {
    if (this.button.disabled) return;
    this.#adapt();
    const words = String(this.field.value);
    const credential = readCredential(words);
    if (credential) this.emit("sign-in", credential);
    else this.#say(words.trim() ? text.signIn.neither : text.signIn.empty);
  }

  /** @param {string} words */
  #say(words) {
    setText(this.error, words);
    setAttribute(this.field, "aria-invalid", words ? "true" : null);
  }
}

customElements.define("hs-sign-in", SignIn);
