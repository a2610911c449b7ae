/** How long the page waits for the box before it says so. */

/** By kind of request. One that only reads can be repeated at once; a decision of the box may need its disk. */
export const READ_MS = 10_000;
export const WRITE_MS = 15_000;
/** What the box decodes, cuts or does to many clips. */
export const LONG_MS = 60_000;

/**
 * A signal that is aborted with the caller's, or when the time is up. (`AbortSignal.any` is younger than the browsers
 * we serve.)
 * @param {number} ms @param {AbortSignal} [signal] the caller's
 * @returns {{signal: AbortSignal, end: () => void}} `end`: the request is over
 */
export function limit(ms, signal) {
  const both = new AbortController();
  const abort = () => both.abort(signal?.reason);
  const timer = setTimeout(() => both.abort(new DOMException("The time is up", "TimeoutError")), ms);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort);
  return {
    signal: both.signal,
    end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    },
  };
}

/**
 * For what cannot be aborted, above all modules: their import from a box that stands still never ends.
 * @template T @param {Promise<T>} promise @param {number} [ms] @returns {Promise<T>} rejects when the time is up
 */
export function inTime(promise, ms = READ_MS) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new DOMException("The time is up", "TimeoutError")), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
