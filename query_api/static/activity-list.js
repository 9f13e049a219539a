// The lines that are shown, and how they come and go: pages, polls, deletions. Nothing here touches the page.
import { ApiError, isAbort } from './api.js';

export const PAGE_SIZE = 50;
export const MAX_SHOWN = 1000;
const REFRESH_SIZE = 500;

/**
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./state.js').Person} Person
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
    /** @type {Activity[]} */
    this.lines = [];
    /** @type {'idle'|'loading'|'more'|'ready'} */
    this.phase = 'idle';
    /** @type {ApiError|null} */
    this.error = null;
    /** @type {string|null} */
    this.cursor = null;
    this.meta = null;
    /** @type {{buckets: {start: string, total: number}[], total: number}|null} */
    this.stats = null;
    /** Whether `stats` are still those of another question. */
    this.isCounting = false;
    this.newCount = 0;
    this.newCountIsExact = true;
    this._etag = '';
  }

  /** Whether "Load more" is of use. */
  get canLoadMore() {
    return Boolean(this.cursor) && this.lines.length < MAX_SHOWN;
  }

  /**
   * Load the first page. What is shown stays until the new lines are there, and where they do not come.
   * @param {URLSearchParams} query
   * @param {string} zone
   */
  async load(query, zone) {
    this._query = query;
    this._zone = zone;
    const signal = this._begin('loading');
    this.isCounting = true;
    await this._attempt(signal, async () => {
      const page = await this._api().page(query, { limit: PAGE_SIZE, signal });
      this.lines = page.data;
      this.newCount = 0;
      this._take(page);
      this._etag = page.etag;
    });
    if (!this.error && !signal.aborted) await this._count(signal);
  }

  /** Load the page after the last line. @returns {Promise<string>} The id of the first line that came. */
  async loadMore() {
    if (!this.canLoadMore || this.phase === 'more') return '';
    let first = '';
    const signal = this._begin('more');
    await this._attempt(signal, async () => {
      const page = await this._api().page(this._query, { limit: PAGE_SIZE, cursor: this.cursor, signal });
      const known = new Set(this.lines.map((line) => line.event_id));
      const fresh = page.data.filter((line) => !known.has(line.event_id));
      first = fresh[0]?.event_id ?? '';
      this.lines = [...this.lines, ...fresh];
      this._take(page);
    });
    return first;
  }

  /**
   * Ask whether the log changed. New lines are only counted: nothing moves under the reader. A change of what is
   * shown, such as a person who was deleted, is taken over at once.
   */
  async poll() {
    if (!this._query || this.phase === 'loading' || this.phase === 'more') return;
    const signal = this._begin(this.phase);
    try {
      // Read as far as is shown: a deletion may change any of the lines.
      const page = await this._api().page(this._query, { limit: PAGE_SIZE, etag: this._etag, signal });
      const recovered = this.error !== null;
      this.error = null;
      if (page !== null) {
        const shown = this.lines.length > PAGE_SIZE ? await this._walk(signal) : page.data;
        if (signal.aborted) return;
        this._merge(shown, page);
        this._etag = page.etag;
      }
      if (page !== null || recovered || !this.stats) await this._count(signal);
    } catch (error) {
      if (isAbort(error)) return;
      this._fail(error);
    }
    this._onChange();
  }

  /** Drop what is known of names: it is loaded anew. @param {AbortSignal} signal @returns {Promise<Activity[]>} */
  async _walk(signal) {
    const found = [];
    let cursor;
    const wanted = this.lines.length + PAGE_SIZE;
    do {
      const limit = Math.min(REFRESH_SIZE, wanted);
      const page = await this._api().page(this._query, { limit, cursor, signal });
      found.push(...page.data);
      cursor = page.page.next_cursor;
    } while (cursor && found.length < wanted);
    return found;
  }

  /**
   * Take over *fresh*, the log as it is now, without the lines that are new at its top.
   * @param {Activity[]} fresh
   * @param {{data: Activity[], page: {next_cursor: string|null}, meta: object}} page
   */
  _merge(fresh, page) {
    if (!this.lines.length) {
      this.lines = fresh;
      this._take(page);
      return;
    }
    const known = new Set(this.lines.map((line) => line.event_id));
    const now = new Map(fresh.map((line) => [line.event_id, line]));
    const newest = this.lines[0].occurred_at;
    const added = fresh.filter((line) => !known.has(line.event_id) && line.occurred_at >= newest);
    // A line that is no longer there, though the answer reaches past it, was of a person who is deleted meanwhile.
    const isWhole = !page.page.next_cursor || fresh.length >= this.lines.length + added.length;
    const last = isWhole ? '' : (fresh.at(-1)?.occurred_at ?? '');
    this.lines = this.lines.flatMap((line) => now.get(line.event_id) ?? (line.occurred_at < last ? [line] : []));
    this.newCount = added.length;
    this.newCountIsExact = added.length < PAGE_SIZE;
    this.meta = page.meta;
    if (!this.lines.length) {
      this.lines = fresh;
      this.newCount = 0;
      this.cursor = page.page.next_cursor;
    }
  }

  /** @param {AbortSignal} signal */
  async _count(signal) {
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

  /** @param {{page: {next_cursor: string|null}, meta: object}} page */
  _take(page) {
    this.cursor = page.page.next_cursor;
    this.meta = page.meta;
  }
}
