// What is asked of the log, and what was read of it. Nothing here draws.
import { ActivityList } from './activity-list.js';
import { AuditApi } from './api.js';
import { KnownPersons } from './persons.js';
import { datesProblem, defaultFilters, runsOf, toQuery, withinRetention, withRefs } from './state.js';
import { dayOf, localZone } from './time.js';
import { TokenSource } from './tokens.js';

const POLL_SECONDS = 20;
const SLOW_AFTER_MS = 150;
const FEW_ROWS = 15;

/**
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./api.js').ApiError} ApiError
 * @typedef {{id: string, line: Activity|null, error: ApiError|null, isLoading: boolean}} Linked The line of a link.
 *
 * @typedef {object} Listener Whom a session tells what happens.
 * @property {() => void} onChange Something to be shown changed.
 * @property {(error: ApiError) => void} onError An error of the list, once.
 * @property {() => void} onDeletion A person was deleted: nothing may go on naming them.
 * @property {() => void} onRefusal The reader may no longer read the log.
 * @property {() => void} onRefs Refs took the place of ids in the filters.
 * @property {() => void} onNews A poll found more new lines than the one before.
 */

export class Session {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    this.tokens = new TokenSource();
    this.api = new AuditApi('', this.tokens);
    this.localZone = localZone();
    this._pollSeconds = POLL_SECONDS;
    this.isOpen = false;
    this.filters = defaultFilters();
    this.list = this._newList();
    this.persons = new KnownPersons();
    /** @type {Set<string>} The lines whose details are shown. */
    this.expanded = new Set();
    /** @type {Map<string, import('./api-rest.js').FileImport>} What the file imports did that the lines are of. */
    this.imports = new Map();
    /** @type {import('./beside.js').Beside|null} Once there is a place to show it. */
    this.beside = null;
    /** @type {Set<string>} The imports whose lines are shown one by one. */
    this.unfolded = new Set();
    /** @type {string[]|null} What the token may do, once that is known. */
    this.scopes = null;
    /** @type {string[]} The licenses that the log names, once they are known. */
    this.licenses = [];
    /** Whether it names further ones. */
    this.hasMoreLicenses = false;
    /** The first whole day that the log still holds, once that is known. */
    this.retentionDay = '';
    /** Whether the filters began before that day, and begin with it now. */
    this.isClamped = false;
    /** Whether the lines are late: only then is it worth saying that they load. */
    this.isSlow = false;
    /** @type {Date|null} Up to when the reader has seen what there is. */
    this.seenUntil = null;
    /** @type {Linked|null} */
    this.linked = null;
    /** @type {ApiError|null} The last error that the listener was told. */
    this._reported = null;
  }

  /** @param {{apiBase: string, zone: string}} settings *zone* is the one that the page names, or else the reader's. */
  configure({ apiBase, zone }) {
    this.api = new AuditApi(apiBase, this.tokens);
    this.localZone = zone;
  }

  /** The zone of every time that is shown. */
  get zone() {
    return this.filters.zone === 'utc' ? 'UTC' : this.localZone;
  }

  /** Why the filters cannot be asked for, or nothing. */
  get rangeProblem() {
    return this.filters.range === 'custom' ? datesProblem(this.filters, this.retentionDay, this.zone) : '';
  }

  query() {
    return toQuery(this.filters, new Date(), this.zone);
  }

  /** @param {import('./state.js').Filters} filters Those to ask for from now on; from what the log still holds. */
  setFilters(filters) {
    this.filters = withinRetention(filters, this.retentionDay);
    this.isClamped = this.filters !== filters;
  }

  /** @param {string} eventId The line to load beside the list; none where it is empty. */
  link(eventId) {
    this.linked = eventId ? { id: eventId, line: null, error: null, isLoading: false } : null;
  }

  /** Load the first page of what the filters ask for. What is shown stays until it is there. */
  async load() {
    if (this.rangeProblem) {
      this.listener.onChange();
      return;
    }
    this.isSlow = false;
    clearTimeout(this._slowTimer);
    this._slowTimer = setTimeout(() => {
      this.isSlow = true;
      this.listener.onChange();
    }, SLOW_AFTER_MS);
    const [before, begun] = [this.list.lines, new Date()];
    await this.list.load(this.query(), this.zone);
    this._afterLoad(before, defaultFilters());
    this._noteSeen(begun);
    // Where imports fill the first page, there is little to see of it.
    if (this.rows < FEW_ROWS) await this.loadMore();
    void this.beside?.loadLinked();
  }

  /** Load the page after the last line. @returns {Promise<string>} The id of the first line that came. */
  async loadMore() {
    const { list } = this;
    const before = list.lines;
    const first = await list.loadMore(this.isEndFolded);
    if (list === this.list && (first || list.error)) this._afterLoad(before, this.filters);
    return first;
  }

  /** How many rows the lines take. */
  get rows() {
    return this.runs.reduce((sum, { importId, lines }) => sum + (importId ? 1 : lines.length), 0);
  }

  /** The lines as they are folded: not where an import is what was asked for. */
  get runs() {
    const { lines } = this.list;
    return this.filters.imports.length ? [{ importId: '', lines }] : runsOf(lines);
  }

  /** Whether the last lines are of an import, of which there may be many more. */
  get isEndFolded() {
    return Boolean(this.runs.at(-1)?.importId);
  }

  /** Ask whether the log changed. */
  async poll() {
    this.beside?.lives.reload();
    const before = this.list.lines;
    const [newBefore, begun] = [this.list.newCount, new Date()];
    const isSame = await this.list.poll();
    this._afterLoad(before, isSame ? this.filters : defaultFilters());
    this._noteSeen(begun);
    void this.beside?.loadLinked();
    if (this.list.newCount > newBefore) this.listener.onNews();
  }

  /** Lines that wait behind a button are not seen. @param {Date} begun When they were asked for. */
  _noteSeen(begun) {
    if (!this.list.error && !this.list.newCount) this.seenUntil = begun;
  }

  /** Poll from now on, for as long as the log is open. */
  startPolling() {
    const wait = Math.max(this._pollSeconds, this.list.error?.retryAfterSeconds ?? 0);
    clearTimeout(this._pollTimer);
    this._pollTimer = setTimeout(async () => {
      if (!this.isOpen) return;
      if (document.visibilityState === 'visible') await this.poll();
      this.startPolling();
    }, wait * 1000);
  }

  /** @param {number} seconds Between two polls; the default where it is no number above zero. */
  setPollSeconds(seconds) {
    this._pollSeconds = seconds > 0 ? seconds : POLL_SECONDS;
    if (this.isOpen) this.startPolling();
  }

  /** Ask nothing more by itself. */
  stop() {
    clearTimeout(this._pollTimer);
    clearTimeout(this._slowTimer);
    this.linked = null;
    /** @type {ApiError|null} The last error that the listener was told. */
    this._reported = null;
  }

  /** Forget everything that was read. */
  forgetAll() {
    this.beside?.lives.forget();
    this.list.stop();
    this.list = this._newList();
    this.persons = new KnownPersons();
    this.expanded = new Set();
    this.imports = new Map();
    this.unfolded = new Set();
    this.scopes = null;
    this.licenses = [];
    this.hasMoreLicenses = false;
    this.retentionDay = '';
    this.seenUntil = null;
    this.link(this.linked?.id ?? '');
  }

  _newList() {
    return new ActivityList(() => this.api, () => this.listener.onChange());
  }

  /**
   * @param {Activity[]} before
   * @param {import('./state.js').Filters} filters What the lines before and those that came now have in common.
   */
  _afterLoad(before, filters) {
    const { list } = this;
    this.forgetDeleted(before, list.lines, filters);
    this.persons.learn(list.lines.flatMap((line) => [line.affected_user, line.admin]));
    const named = withRefs(this.filters, list.isOfOthers ? [] : list.lines);
    if (named !== this.filters) {
      this.filters = named;
      this.listener.onRefs();
    }
    if (list.meta?.clamped && !this.retentionDay) this.learnRetention(list.meta.from);
    if (list.error?.isRefusal) this._forgetRead();
    if (list.error && list.error !== this._reported) this.listener.onError(list.error);
    this._reported = list.error;
    this.listener.onChange();
    void this.beside?.learnFiltered();
    if (before !== list.lines) void this.beside?.countImports();
  }

  /** @param {string} start When the log begins. */
  learnRetention(start) {
    this.retentionDay = dayOf(new Date(start), this.zone);
    const { filters } = this;
    this.filters = withinRetention(filters, this.retentionDay);
    this.isClamped ||= this.filters !== filters;
  }

  /** Whoever may no longer read the log keeps nothing of it on the screen. */
  _forgetRead() {
    this.beside?.lives.forget();
    this.list.forget();
    this.persons = new KnownPersons();
    this.expanded.clear();
    this.imports.clear();
    if (this.linked) this.linked.line = null;
    this.listener.onDeletion();
    this.listener.onRefusal();
  }

  /** @param {Parameters<KnownPersons['forgetDeleted']>} read */
  forgetDeleted(...read) {
    if (this.persons.forgetDeleted(...read)) this.listener.onDeletion();
  }
}
