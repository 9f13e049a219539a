// The lines that are shown, and how they come and go: pages, polls, deletions. Nothing here touches the page.
import { ApiError, isAbort } from './api.js';

export const PAGE_SIZE = 50;
export const MAX_SHOWN = 1000;
const REFRESH_SIZE = 500;
/** Shown lines, and as many again that came late between them: beyond that the log is loaded anew. */
const MAX_REFRESHES = (2 * MAX_SHOWN) / REFRESH_SIZE;

/**
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {{etag: string, data: Activity[], page: {next_cursor: string|null}, meta: object}} Page
 */

export class ActivityList {
  /**
   * @param {() => import('./api.js').AuditApi} api
   * @param {() => void} onChange Called after each change of what is to be shown.
   */
  constructor(api, onChange) {
    this._api = api;
    this._onChange = onChange;
    this.reset();
  }

  reset() {
    this._abort?.abort();
    this._countAbort?.abort();
    /** @type {Activity[]} */
    this.lines = [];
    this._query = null;
    /** The question that the lines answer: not the present one while that is loading, or where it failed. */
    this._linesOf = null;
    /** @type {'idle'|'loading'|'more'|'ready'} */
    this.phase = 'idle';
    /** @type {ApiError|null} */
    this.error = null;
    /** @type {string|null} */
    this.cursor = null;
    /** The question that the cursor goes on with. */
    this._cursorOf = null;
    this.meta = null;
    /** @type {{buckets: {start: string, total: number}[], total: number}|null} */
    this.stats = null;
    /** Whether `stats` are still those of another question. */
    this.isCounting = false;
    this.newCount = 0;
    this.newCountIsExact = true;
    /** @type {Page|null} The first page, as it was last read. */
    this._top = null;
    /** @type {Map<string, Page>} What the last walk over the shown lines read. */
    this._walked = new Map();
  }

  /** Whether "Load more" is of use. */
  get canLoadMore() {
    return Boolean(this.cursor) && this.lines.length < MAX_SHOWN;
  }

  /** Whether the lines are those that were asked for, and no others are on their way. */
  get isSettled() {
    return this.phase === 'ready' && this._linesOf === this._query;
  }

  /**
   * Load the first page. What is shown stays until the new lines are there, and where they do not come.
   * @param {URLSearchParams} query
   * @param {string} zone
   * @param {'loading'|'idle'|'ready'} [phase] What it looks like meanwhile.
   */
  async load(query, zone, phase = 'loading') {
    this._query = query;
    this._zone = zone;
    const signal = this._begin(phase);
    this._countAbort?.abort();
    this.isCounting = true;
    await this._attempt(signal, async () => {
      const page = await this._api().page(query, { limit: PAGE_SIZE, signal });
      this.lines = page.data;
      this.newCount = 0;
      this._take(page, query);
      this._top = page;
      this._linesOf = query;
    });
    if (!signal.aborted && !this.error) await this._count();
  }

  /** Load the page after the last line. @returns {Promise<string>} The id of the first line that came. */
  async loadMore() {
    if (!this.canLoadMore || !this.isSettled) return '';
    let first = '';
    const signal = this._begin('more');
    await this._attempt(signal, async () => {
      const known = new Set(this.lines.map((line) => line.event_id));
      const [page, query] = await this._next(known, signal);
      const fresh = page.data.filter((line) => !known.has(line.event_id));
      first = fresh[0]?.event_id ?? '';
      this.lines = [...this.lines, ...fresh];
      this._take(page, query);
    });
    return first;
  }

  /**
   * The page after the last line. A cursor lasts a day, and the panel may be open for longer: then the last line itself
   * says where to go on. It comes once more, and so do all of its moment: an import has hundreds.
   * @param {Set<string>} known The lines that are there, by id.
   * @param {AbortSignal} signal
   * @returns {Promise<[Page, URLSearchParams]>} And the question that it answers.
   */
  async _next(known, signal) {
    const room = MAX_SHOWN - this.lines.length;
    try {
      const limit = Math.min(PAGE_SIZE, room);
      return [await this._api().page(this._cursorOf, { limit, cursor: this.cursor, signal }), this._cursorOf];
    } catch (error) {
      if (error.kind !== 'invalid') throw error;
    }
    const query = upTo(this._query, this.lines.at(-1));
    let page = await this._api().page(query, { limit: PAGE_SIZE, signal });
    while (page.page.next_cursor && page.data.every((line) => known.has(line.event_id))) {
      page = await this._api().page(query, { limit: PAGE_SIZE, cursor: page.page.next_cursor, signal });
    }
    return [page, query];
  }

  /**
   * Ask whether the log changed. New lines are only counted: nothing moves under the reader. A change of what is
   * shown, such as a person who was deleted, is taken over at once.
   * @returns {Promise<boolean>} Whether that is all. Not where it was given up, or the lines were loaded anew instead:
   * they were of another question, or too much came between them.
   */
  async poll() {
    if (!this._query || this.phase === 'loading' || this.phase === 'more') return true;
    if (this._linesOf !== this._query) return this._loadAnew();
    const signal = this._begin(this.phase);
    try {
      const page = await this._api().page(this._query, { limit: PAGE_SIZE, etag: this._top.etag, signal });
      const top = page ?? this._top;
      const walk = this._isWithin(top) ? null : await this._walk(signal);
      if (signal.aborted) return false;
      if (walk && !walk.isWhole) return this._loadAnew();
      const isChanged = page !== null || Boolean(walk?.isChanged);
      const recovered = this.error !== null;
      this.error = null;
      if (isChanged) this._merge(walk?.found ?? top.data, top);
      this._top = top;
      if (isChanged || recovered || !this.stats) await this._count();
    } catch (error) {
      if (isAbort(error)) return false;
      this._fail(error);
    }
    this._onChange();
    return true;
  }

  async _loadAnew() {
    await this.load(this._query, this._zone, this.phase);
    return false;
  }

  /** Whether *page*, the first, reaches as far as what is shown. @param {Page} page */
  _isWithin({ data, page }) {
    const last = this.lines.at(-1);
    return !last || !page.next_cursor || data.some((line) => line.event_id === last.event_id);
  }

  /**
   * Read as far as is shown: a deletion may change any of the lines. The walk begins at the first of them, whatever came
   * above it, so that a part that did not change need not be sent again.
   * @param {AbortSignal} signal
   * @returns {Promise<{found: Activity[], isWhole: boolean, isChanged: boolean}>}
   */
  async _walk(signal) {
    const query = upTo(this._query, this.lines[0]);
    const last = this.lines.at(-1);
    const limit = Math.min(REFRESH_SIZE, this.lines.length);
    const before = this._walked;
    this._walked = new Map();
    const found = [];
    let [cursor, isWhole, isChanged] = ['', false, false];
    while (!isWhole && this._walked.size < MAX_REFRESHES) {
      const key = `${query} ${limit} ${cursor}`;
      const known = before.get(key);
      const read = await this._api().page(query, { limit, cursor, etag: known?.etag, signal });
      const part = read ?? known;
      this._walked.set(key, part);
      found.push(...part.data);
      cursor = part.page.next_cursor;
      isChanged ||= read !== null;
      const isPast = (line) => line.event_id === last.event_id || line.occurred_at < last.occurred_at;
      isWhole = !cursor || part.data.some(isPast);
    }
    return { found, isWhole, isChanged };
  }

  /**
   * Take over what the lines are now.
   * @param {Activity[]} fresh Reaches at least as far as they do.
   * @param {Page} top The first page now. What is new on it is only counted.
   */
  _merge(fresh, top) {
    const known = new Set(this.lines.map((line) => line.event_id));
    const now = new Map(fresh.map((line) => [line.event_id, line]));
    const newest = this.lines[0]?.occurred_at;
    const added = top.data.filter((line) => !known.has(line.event_id) && line.occurred_at >= newest);
    // A line that is no longer there was of a person who is deleted meanwhile.
    this.lines = this.lines.flatMap((line) => now.get(line.event_id) ?? []);
    this.newCount = added.length;
    this.newCountIsExact = added.length < PAGE_SIZE;
    this.meta = top.meta;
    if (!this.lines.length) {
      this.lines = top.data;
      this.newCount = 0;
      this._take(top, this._query);
    }
  }

  /** Its own life: more lines, or a poll without news, do not give it up. */
  async _count() {
    this._countAbort?.abort();
    this._countAbort = new AbortController();
    const { signal } = this._countAbort;
    try {
      this.stats = await this._api().stats(this._query, this._zone, signal);
    } catch (error) {
      if (isAbort(error)) return;
      // The lines are worth showing without their number; the next poll counts again.
      this.stats = null;
    }
    this.isCounting = false;
    this._onChange();
  }

  /** @param {'idle'|'loading'|'more'|'ready'} phase */
  _begin(phase) {
    this._abort?.abort();
    this._abort = new AbortController();
    this.phase = phase;
    this._onChange();
    return this._abort.signal;
  }

  /** @param {AbortSignal} signal @param {() => Promise<void>} work */
  async _attempt(signal, work) {
    try {
      await work();
      this.error = null;
    } catch (error) {
      if (isAbort(error)) return;
      this._fail(error);
    }
    if (signal.aborted) return;
    this.phase = 'ready';
    this._onChange();
  }

  /** @param {unknown} error */
  _fail(error) {
    if (!(error instanceof ApiError)) throw error;
    this.error = error;
  }

  /** @param {{page: {next_cursor: string|null}, meta: object}} page @param {URLSearchParams} query What it answers. */
  _take(page, query) {
    this.cursor = page.page.next_cursor;
    this._cursorOf = query;
    this.meta = page.meta;
  }
}

/** *query*, ended at *line*, which is still in it. @param {URLSearchParams} query @param {Activity} line */
function upTo(query, line) {
  const ended = new URLSearchParams(query);
  const behind = new Date(Date.parse(line.occurred_at) + 1).toISOString();
  if (!(ended.get('to') < behind)) ended.set('to', behind);
  return ended;
}
