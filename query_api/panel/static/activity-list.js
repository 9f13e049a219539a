// The lines that are shown, and how they come and go: pages, polls, deletions. Nothing here touches the page.
import { ApiError, isAbort } from './api.js';
import { isWithin, upTo, walk } from './walk.js';

export const PAGE_SIZE = 50;
export const LARGE_PAGE_SIZE = 500;
export const MAX_SHOWN = 1000;

/**
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./api.js').Page} Page
 * @typedef {'idle'|'loading'|'more'|'ready'} Phase
 */

export class ActivityList {
  /**
   * @param {() => import('./api.js').AuditApi} api
   * @param {() => void} onChange Called after each change of what is to be shown.
   */
  constructor(api, onChange) {
    this._api = api;
    this._onChange = onChange;
    /** @type {Activity[]} */
    this.lines = [];
    /** The question that is asked now. */
    this._query = new URLSearchParams();
    this._zone = '';
    /** @type {URLSearchParams|null} The question that the lines answer: not the present one while that is loading, or where it failed. */
    this._linesOf = null;
    /** @type {Phase} */
    this.phase = 'idle';
    /** @type {ApiError|null} */
    this.error = null;
    /** @type {Phase} What was tried when it failed. */
    this.failedIn = 'idle';
    /** @type {string|null} */
    this.cursor = null;
    /** The question that the cursor goes on with. */
    this._cursorOf = this._query;
    /** @type {import('./api.js').PageMeta|null} */
    this.meta = null;
    /** @type {import('./api.js').Stats|null} */
    this.stats = null;
    /** Whether `stats` are still those of another question. */
    this.isCounting = false;
    this.newCount = 0;
    this.newCountIsExact = true;
    /** @type {Page|null} The first page, as it was last read. */
    this._top = null;
    /** @type {Map<string, Page>} What the last walk over the shown lines read. */
    this._walked = new Map();
    this._abort = new AbortController();
    this._countAbort = new AbortController();
  }

  /** Give up what is on its way: another list takes the place of this one. */
  stop() {
    this._abort.abort();
    this._countAbort.abort();
  }

  /** Keep nothing of what was read. */
  forget() {
    this.lines = [];
    this._linesOf = null;
    this.cursor = null;
    this.stats = null;
    this.newCount = 0;
    this._top = null;
    this._walked.clear();
  }

  /** Whether the lines answer another question than the one that is asked. */
  get isOfOthers() {
    return this._linesOf !== this._query;
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
   * @param {Phase} [phase] What it looks like meanwhile.
   */
  async load(query, zone, phase = 'loading') {
    this._query = query;
    this._zone = zone;
    const signal = this._begin(phase);
    this._countAbort.abort();
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

  /**
   * Load the page after the last line.
   * @param {boolean} [isLarge] Whether as many lines as a page can hold: those of an import take one row.
   * @returns {Promise<string>} The id of the first line that came.
   */
  async loadMore(isLarge = false) {
    if (!this.canLoadMore || !this.isSettled) return '';
    let first = '';
    const signal = this._begin('more');
    await this._attempt(signal, async () => {
      const known = new Set(this.lines.map((line) => line.event_id));
      const [page, query] = await this._next(known, signal, isLarge ? LARGE_PAGE_SIZE : PAGE_SIZE);
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
   * @param {number} size
   * @returns {Promise<[Page, URLSearchParams]>} And the question that it answers.
   */
  async _next(known, signal, size) {
    const room = MAX_SHOWN - this.lines.length;
    try {
      const limit = Math.min(size, room);
      return [await this._api().page(this._cursorOf, { limit, cursor: this.cursor, signal }), this._cursorOf];
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind !== 'invalid') throw error;
    }
    const query = upTo(this._query, this.lines[this.lines.length - 1]);
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
    const { lines, _top: oldTop } = this;
    if (this.phase === 'idle' || this.phase === 'loading' || this.phase === 'more') return true;
    if (this._linesOf !== this._query || !oldTop) return this._loadAnew();
    const signal = this._begin(this.phase);
    try {
      const page = await this._api().pageSince(oldTop.etag, this._query, { limit: PAGE_SIZE, signal });
      const top = page ?? oldTop;
      const walked = isWithin(top, lines) ? null : await this._walk(signal);
      if (signal.aborted) return false;
      if (walked && !walked.isWhole) return this._loadAnew();
      const isChanged = page !== null || Boolean(walked?.isChanged);
      const recovered = this.error !== null;
      this.error = null;
      if (isChanged) this._merge(walked?.found ?? top.data, top);
      this._top = top;
      if (isChanged || recovered || !this.stats) await this._count();
    } catch (error) {
      if (isAbort(error)) return false;
      this._fail(error);
    }
    this._onChange();
    return true;
  }

  /** @param {AbortSignal} signal */
  _walk(signal) {
    const [before, now] = [this._walked, new Map()];
    this._walked = now;
    return walk(this._api(), { query: this._query, lines: this.lines, before, now, signal });
  }

  async _loadAnew() {
    await this.load(this._query, this._zone, this.phase);
    return false;
  }

  /**
   * Take over what the lines are now.
   * @param {Activity[]} fresh Reaches at least as far as they do.
   * @param {Page} top The first page now. What is new on both is only counted.
   */
  _merge(fresh, top) {
    const now = new Map(fresh.map((line) => [line.event_id, line]));
    const added = this._added(fresh, top);
    // A line that is no longer there was of a person who is deleted meanwhile.
    this.lines = this.lines.flatMap((line) => now.get(line.event_id) ?? []);
    this.newCount = added.size;
    this.newCountIsExact = added.size < PAGE_SIZE;
    this.meta = top.meta;
    if (!this.lines.length) {
      this.lines = top.data;
      this.newCount = 0;
      this._take(top, this._query);
    }
  }

  /**
   * The lines that are not shown and are not among those that "Load more" brings: new ones, and late ones between.
   * @param {Activity[]} fresh
   * @param {Page} top
   */
  _added(fresh, top) {
    const known = new Set(this.lines.map((line) => line.event_id));
    const last = this.lines[this.lines.length - 1];
    const isBehind = (/** @type {Activity} */ line) => line.event_id === last.event_id || line.occurred_at < last.occurred_at;
    const added = new Set();
    for (const lines of [top.data, fresh]) {
      const end = this.cursor && last ? lines.findIndex(isBehind) : -1;
      for (const { event_id: id } of end < 0 ? lines : lines.slice(0, end)) if (!known.has(id)) added.add(id);
    }
    return added;
  }

  /** Its own life: more lines, or a poll without news, do not give it up. */
  async _count() {
    this._countAbort.abort();
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

  /** @param {Phase} phase */
  _begin(phase) {
    this._abort.abort();
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
    this.failedIn = this.phase;
  }

  /** @param {Page} page @param {URLSearchParams} query What it answers. */
  _take(page, query) {
    this.cursor = page.page.next_cursor;
    this._cursorOf = query;
    this.meta = page.meta;
  }
}
