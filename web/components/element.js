/** The base of every element: built once, with listeners that end on disconnection and events that bubble. */

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

  /** Creates the children, once. */
  build() {}

  /** @param {AbortSignal} _signal aborted when the element leaves the document */
  connected(_signal) {}

  /**
   * Dispatches a bubbling event. The element does not know its handler.
   * @param {string} name
   * @param {any} [detail]
   */
  emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}
