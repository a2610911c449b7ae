/** Warnings by subject, one sentence each, from the server's `concern` events. Pure; for pages and their worker. */

/**
 * @param {Readonly<Record<string, string>>} known
 * @param {{subject: string, detail: string|null}} change `detail` null: resolved
 * @returns {Record<string, string>}
 */
export function withWarning(known, { subject, detail }) {
  const { [subject]: _, ...others } = known;
  return detail === null ? others : { ...others, [subject]: detail };
}
