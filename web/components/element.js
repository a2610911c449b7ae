/** What every element here shares: built once, listeners that die with the connection, wishes that bubble up. */

export class HsElement extends HTMLElement {
  /** @type {AbortController|null} */
  #connection = null;
  #built = false;

  connectedCallback() {
    this.#connection = new AbortController();
    if (!this.#built) {
      this.#built = true;
      this.build();
    }
    this.connected(this.#connection.signal);
  }

  disconnectedCallback() {
    this.#connection?.abort();
    this.#connection = null;
  }

  /** Makes the children, once. */
  build() {}

  /** @param {AbortSignal} _signal aborted when the element leaves the document */
  connected(_signal) {}

  /**
   * A wish. Who carries it out is not the element's business.
   * @param {string} name
   * @param {any} [detail]
   */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}
