/** Draws a camera's JPEGs onto a canvas. What comes while one is being decoded replaces what waits: newest first. */

export class JpegPainter {
  #canvas;
  #onPainted;
  /** @type {{data: ArrayBuffer, label_us: number}|null} */
  #waiting = null;
  #busy = false;
  #closed = false;
  /** @type {number|null} */
  #label_us = null;

  /** @param {HTMLCanvasElement} canvas @param {() => void} onPainted after every picture */
  constructor(canvas, onPainted) {
    this.#canvas = canvas;
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
      // A picture that does not decode was damaged on its way from the camera; the next one is near.
      const bitmap = await createImageBitmap(new Blob([data], { type: "image/jpeg" })).catch(() => null);
      if (bitmap !== null && !this.#closed) this.#draw(bitmap, label_us);
      bitmap?.close();
    }
    this.#busy = false;
  }

  /** @param {ImageBitmap} bitmap @param {number} label_us */
  #draw(bitmap, label_us) {
    const { width, height } = bitmap;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      [this.#canvas.width, this.#canvas.height] = [width, height];
    }
    this.#canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
    this.#label_us = label_us;
    this.#onPainted();
  }
}
