/** What needs somebody, as the server told it: a sentence by subject. Pure; for the pages and the worker they share. */

/**
 * @param {Readonly<Record<string, string>>} known
 * @param {{subject: string, detail: string|null}} told null: all is well with it again
 * @returns {Record<string, string>}
 */
export function withWarning(known, { subject, detail }) {
  const { [subject]: _, ...others } = known;
  return detail === null ? others : { ...others, [subject]: detail };
}
