/** The form for the access key. Events: `sign-in` {key}. Attribute `error`: why the last key was refused. */

import { h, icon, setAttribute, setText } from "../dom.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

export class SignIn extends HsElement {
  static observedAttributes = ["error"];

  field = h("input", {
    id: "access-key",
    type: "password",
    autocomplete: "current-password",
    spellcheck: "false",
    autocapitalize: "off",
    "aria-describedby": "key-error",
  });
  error = h("p", { id: "key-error", class: "field-error", role: "alert" });

  build() {
    this.append(
      h(
        "form",
        {
          class: "sign-in",
          on: {
            submit: (/** @type {Event} */ event) => {
              event.preventDefault();
              this.#submit();
            },
          },
        },
        icon("mark"),
        h("h1", {}, text.signIn.title),
        h("p", {}, text.signIn.body),
        h("input", { name: "username", autocomplete: "username", value: text.app.name, hidden: true, readonly: true }),
        h("label", { for: "access-key" }, text.signIn.label),
        this.field,
        this.error,
        h("button", { class: "button primary wide" }, text.signIn.submit),
      ),
    );
  }

  connected() {
    this.attributeChangedCallback();
    this.field.focus();
  }

  attributeChangedCallback() {
    this.#say(this.getAttribute("error") ?? "");
  }

  #submit() {
    // Users paste the whole address as often as the key alone.
    const key = (this.field.value ?? "").trim().replace(/^.*#key=/, "");
    if (key) this.emit("sign-in", { key });
    else this.#say(text.signIn.empty);
  }

  /** @param {string} words */
  #say(words) {
    setText(this.error, words);
    setAttribute(this.field, "aria-invalid", words ? "true" : null);
  }
}

customElements.define("hs-sign-in", SignIn);
