// Reading again what is shown, as far as it reaches.

/**
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./api.js').Page} Page
 */

const PART_SIZE = 500;
/** As many parts as a thousand lines need, and as many again for what came late between them. */
const MAX_PARTS = 4;

/** Whether *page*, the first, reaches as far as *lines*. @param {Page} page @param {Activity[]} lines */
export function isWithin({ data, page }, lines) {
  const last = lines.at(-1);
  return !last || !page.next_cursor || data.some((line) => line.event_id === last.event_id);
}

/**
 * Read as far as *lines* reach: a deletion may change any of them. The walk begins at the first of them, whatever came
 * above it, so that a part that did not change need not be sent again.
 * @param {import('./api.js').AuditApi} api
 * @param {object} options
 * @param {URLSearchParams} options.query
 * @param {Activity[]} options.lines At least one.
 * @param {Map<string, Page>} options.before The parts that the last walk read.
 * @param {Map<string, Page>} options.now Receives the parts of this one.
 * @param {AbortSignal} options.signal
 * @returns {Promise<{found: Activity[], isWhole: boolean, isChanged: boolean}>}
 */
export async function walk(api, { query: whole, lines, before, now, signal }) {
  const query = upTo(whole, lines[0]);
  const last = lines[lines.length - 1];
  const limit = Math.min(PART_SIZE, lines.length);
  /** @type {Activity[]} */
  const found = [];
  /** @type {string|null} */
  let cursor = '';
  let [isWhole, isChanged] = [false, false];
  while (!isWhole && now.size < MAX_PARTS) {
    const key = `${query} ${limit} ${cursor}`;
    const known = before.get(key);
    /** @type {Page|null} */
    const read = await api.pageSince(known?.etag ?? '', query, { limit, cursor, signal });
    const part = /** @type {Page} */ (read ?? known);
    now.set(key, part);
    found.push(...part.data);
    cursor = part.page.next_cursor;
    isChanged ||= read !== null;
    isWhole = !cursor || part.data.some((line) => line.event_id === last.event_id || line.occurred_at < last.occurred_at);
  }
  return { found, isWhole, isChanged };
}

/** *query*, ended at *line*, which is still in it. @param {URLSearchParams} query @param {Activity} line */
export function upTo(query, line) {
  const ended = new URLSearchParams(query);
  const behind = new Date(Date.parse(line.occurred_at) + 1).toISOString();
  const to = ended.get('to');
  if (to === null || to >= behind) ended.set('to', behind);
  return ended;
}
