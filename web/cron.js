/** Converts between the schedule form and the API's cron lines. Pure. */

/** Names, because cron counts days from Sunday. */
export const DAYS = /** @type {const} */ (["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);

/** @param {string} time HH:MM @param {readonly string[]} days of DAYS; none or all: every day */
export function toCron(time, days) {
  const [hour, minute] = time.split(":").map(Number);
  const on =
    days.length === 0 || days.length === DAYS.length ? "*" : DAYS.filter((day) => days.includes(day)).join(",");
  return `${minute} ${hour} * * ${on}`;
}

/**
 * The inverse of `toCron`; null: the form cannot express this line.
 * @param {string} cron @returns {{time: string, days: readonly string[]}|null}
 */
export function parseCron(cron) {
  const match = /^(\d{1,2}) (\d{1,2}) \* \* (\*|[a-z,-]+)$/.exec(cron.trim().toLowerCase());
  if (!match) return null;
  const time = `${match[2].padStart(2, "0")}:${match[1].padStart(2, "0")}`;
  if (match[3] === "*") return { time, days: DAYS };
  const days = match[3].split(",").flatMap((part) => {
    const [first, last = first] = part.split("-").map((name) => DAYS.indexOf(/** @type {"mon"} */ (name)));
    return first < 0 || last < first ? [""] : DAYS.slice(first, last + 1);
  });
  return days.includes("") ? null : { time, days };
}
