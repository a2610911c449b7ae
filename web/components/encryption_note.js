/** Says in words that the page came over a network in plain text, and what to do about it. */

import { h, icon } from "../dom.js";
import { isReadableOnTheWay } from "../encryption.js";
import { text } from "../messages.js";
import { HsElement } from "./element.js";

export class EncryptionNote extends HsElement {
  build() {
    this.hidden = !isReadableOnTheWay(location);
    if (this.hidden) return;
    const { mark, cure } = text.encryption;
    this.append(icon("unlocked"), h("p", {}, h("strong", {}, `${mark}.`), ` ${cure}`));
  }
}

customElements.define("hs-encryption-note", EncryptionNote);
