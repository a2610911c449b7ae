/** Reads the test card's counter from what a browser painted: geometry in recorder/sources/test_picture/test_card.py. */

const CELLS = 40;
const SYNC = "10110010";

/** @param {CanvasImageSource} source @param {number} width @param {number} height @returns {number|null} */
export function counterOf(source, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext("2d", { willReadFrequently: true })
  );
  context.drawImage(source, 0, 0, width, height);
  const cell = width / CELLS;
  const cells = Array.from({ length: CELLS }, (_, i) => {
    const [r, g, b] = context.getImageData(Math.floor((i + 0.5) * cell), Math.floor(0.5 * cell), 1, 1).data;
    return (r + g + b) / 3;
  });
  const [low, high] = [Math.min(...cells), Math.max(...cells)];
  if (high - low < 80) return null;
  const bits = cells.map((value) => (value > (low + high) / 2 ? "1" : "0")).join("");
  const bytes = [8, 16, 24, 32].map((start) => Number.parseInt(bits.slice(start, start + 8), 2));
  if (bits.slice(0, 8) !== SYNC || (bytes[0] ^ bytes[1] ^ bytes[2] ^ 255) !== bytes[3]) return null;
  return bytes[0] * 65536 + bytes[1] * 256 + bytes[2];
}

/**
 * @param {HTMLVideoElement} video
 * @returns {Promise<{counter: number|null, media_time_s: number}>} the next frame painted
 */
export function nextPainted(video) {
  return new Promise((resolve) => {
    video.requestVideoFrameCallback((_now, { mediaTime }) => {
      resolve({ counter: counterOf(video, video.videoWidth, video.videoHeight), media_time_s: mediaTime });
    });
  });
}

/** @param {string} url of a JPEG @returns {Promise<number|null>} */
export async function counterOfPicture(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  const bitmap = await createImageBitmap(await answer.blob());
  return counterOf(bitmap, bitmap.width, bitmap.height);
}

/**
 * @param {HTMLVideoElement} video
 * @param {number} time_s
 * @returns {Promise<void>} when a frame of about that time is painted; a second later if none is
 */
function paintedNear(video, time_s) {
  return new Promise((resolve) => {
    setTimeout(resolve, 1000);
    const look = () =>
      video.requestVideoFrameCallback((_now, { mediaTime }) => {
        if (Math.abs(mediaTime - time_s) < 0.1) resolve();
        else look();
      });
    look();
  });
}

/** @param {HTMLVideoElement} video @param {number} time_s @returns {Promise<number|null>} the counter shown there */
export async function counterAt(video, time_s) {
  video.pause();
  // Not the next frame painted: one of before the pause may still be on its way.
  const sought = new Promise((resolve) => video.addEventListener("seeked", resolve, { once: true }));
  const painted = paintedNear(video, time_s);
  video.currentTime = time_s;
  await Promise.all([sought, painted]);
  await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  return counterOf(video, video.videoWidth, video.videoHeight);
}
