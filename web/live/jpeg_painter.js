/** Draws a camera's JPEGs onto a canvas. While one is decoded, a newer one replaces the one that waits. */

export class JpegPainter {
  #canvas;
  #rotation_deg;
  #onPainted;
  /** @type {{data: ArrayBuffer, label_us: number}|null} */
  #waiting = null;
  #busy = false;
  #closed = false;
  /** @type {number|null} */
  #label_us = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} rotation_deg clockwise, a multiple of 90
   * @param {() => void} onPainted after every picture
   */
  constructor(canvas, rotation_deg, onPainted) {
    this.#canvas = canvas;
    this.#rotation_deg = rotation_deg;
    this.#onPainted = onPainted;
  }

  /** The label of the picture on the canvas, null before the first. */
  get label_us() {
    return this.#label_us;
  }

  /** @param {ArrayBuffer} data @param {number} label_us */
  paint(data, label_us) {
    this.#waiting = { data, label_us };
    if (!this.#busy) this.#work();
  }

  close() {
    this.#closed = true;
    this.#waiting = null;
  }

  async #work() {
    this.#busy = true;
    while (this.#waiting !== null) {
      const { data, label_us } = this.#waiting;
      this.#waiting = null;
      // A picture that does not decode was damaged on its way from the camera; the next one follows soon.
      const bitmap = await createImageBitmap(new Blob([data], { type: "image/jpeg" })).catch(() => null);
      if (bitmap !== null && !this.#closed) this.#draw(bitmap, label_us);
      bitmap?.close();
    }
    this.#busy = false;
  }

  /** @param {ImageBitmap} bitmap @param {number} label_us */
  #draw(bitmap, label_us) {
    const lies = this.#rotation_deg % 180 !== 0;
    const [width, height] = lies ? [bitmap.height, bitmap.width] : [bitmap.width, bitmap.height];
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      [this.#canvas.width, this.#canvas.height] = [width, height];
    }
    const context = this.#canvas.getContext("2d");
    context?.resetTransform();
    context?.translate(width / 2, height / 2);
    context?.rotate((this.#rotation_deg * Math.PI) / 180);
    context?.drawImage(bitmap, -bitmap.width / 2, -bitmap.height / 2);
    this.#label_us = label_us;
    this.#onPainted();
  }
}
