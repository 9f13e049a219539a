// What is asked of the log, and what was read of it. Nothing here draws.
import { ActivityList } from './activity-list.js';
import { ApiError, AuditApi, isAbort } from './api.js';
import { KnownPersons } from './persons.js';
import { datesProblem, defaultFilters, DELETED_REF, idIn, runsOf, toQuery, withinRetention, withRefs } from './state.js';
import { boundsOf, dayOf, localZone } from './time.js';
import { TokenSource } from './tokens.js';

const POLL_SECONDS = 20;
const SLOW_AFTER_MS = 150;
const FEW_ROWS = 15;

/**
 * @typedef {import('./state.js').Activity} Activity
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
    this._listener = listener;
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
    /** @type {Map<string, import('./api.js').FileImport>} What the file imports did that the lines are of. */
    this.imports = new Map();
    /** @type {import('./life.js').Lives|null} Once there is a place to show them. */
    this.lives = null;
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

  /** Why the filters cannot be asked for: a key of a text, or nothing. */
  get rangeProblem() {
    return this.filters.range === 'custom' ? datesProblem(this.filters, this.retentionDay) : '';
  }

  query() {
    return toQuery(this.filters, new Date(), this.zone);
  }

  /** @param {import('./state.js').Filters} filters Those to ask for from now on; from what the log still holds. */
  setFilters(filters) {
    this.filters = withinRetention(filters, this.retentionDay);
    this.isClamped = this.filters !== filters;
  }

  /** Persons by name, with what they did in the period. @param {'users'|'admins'} kind @param {string} text @param {AbortSignal} signal */
  findPersons(kind, text, signal) {
    return this.api.persons(kind, text, boundsOf(this.filters, new Date(), this.zone), signal);
  }

  /** @param {string} eventId The line to load beside the list; none where it is empty. */
  link(eventId) {
    this.linked = eventId ? { id: eventId, line: null, error: null, isLoading: false } : null;
  }

  /** Load the first page of what the filters ask for. What is shown stays until it is there. */
  async load() {
    if (this.rangeProblem) {
      this._listener.onChange();
      return;
    }
    this.isSlow = false;
    clearTimeout(this._slowTimer);
    this._slowTimer = setTimeout(() => {
      this.isSlow = true;
      this._listener.onChange();
    }, SLOW_AFTER_MS);
    const [before, begun] = [this.list.lines, new Date()];
    await this.list.load(this.query(), this.zone);
    this._afterLoad(before, defaultFilters());
    this._noteSeen(begun);
    // Where imports fill the first page, there is little to see of it.
    if (this.rows < FEW_ROWS) await this.loadMore();
    void this._loadLinked();
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
    this.lives?.reload();
    const before = this.list.lines;
    const [newBefore, begun] = [this.list.newCount, new Date()];
    const isSame = await this.list.poll();
    this._afterLoad(before, isSame ? this.filters : defaultFilters());
    this._noteSeen(begun);
    void this._loadLinked();
    if (this.list.newCount > newBefore) this._listener.onNews();
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

  /** What the token allows, how far back the log reaches, and which licenses it names. */
  async loadMeta() {
    const { generation } = this.tokens;
    try {
      const meta = await this.api.meta();
      if (generation !== this.tokens.generation) return;
      this.scopes = meta.scopes;
      this.licenses = meta.licenses;
      this.hasMoreLicenses = meta.has_more_licenses;
      this._learnRetention(meta.retention_from);
    } catch (error) {
      // Not needed to read the log: the list's own error says what is wrong.
      if (!(error instanceof ApiError) && !isAbort(error)) throw error;
    }
    this._listener.onChange();
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
    this.lives?.forget();
    this.list.stop();
    this.list = this._newList();
    this.persons = new KnownPersons();
    this.expanded = new Set();
    this.imports = new Map();
    this.unfolded = new Set();
    this.scopes = null;
    this.licenses = [];
    this.retentionDay = '';
    this.seenUntil = null;
    this.link(this.linked?.id ?? '');
  }

  _newList() {
    return new ActivityList(() => this.api, () => this._listener.onChange());
  }

  /**
   * @param {Activity[]} before
   * @param {import('./state.js').Filters} filters What the lines before and those that came now have in common.
   */
  _afterLoad(before, filters) {
    const { list } = this;
    this._forgetDeleted(before, list.lines, filters);
    this.persons.learn(list.lines.flatMap((line) => [line.affected_user, line.admin]));
    const named = withRefs(this.filters, list.isOfOthers ? [] : list.lines);
    if (named !== this.filters) {
      this.filters = named;
      this._listener.onRefs();
    }
    if (list.meta?.clamped && !this.retentionDay) this._learnRetention(list.meta.from);
    if (list.error?.isRefusal) this._forgetRead();
    if (list.error && list.error !== this._reported) this._listener.onError(list.error);
    this._reported = list.error;
    this._listener.onChange();
    void this._learnFiltered();
    if (before !== list.lines) void this._countImports();
  }

  async _countImports() {
    if (!this.runs.some(({ importId }) => importId)) return;
    const { list } = this;
    try {
      const found = await this.api.imports(this.query());
      if (list !== this.list) return;
      this.imports = new Map(found.map((one) => [one.import_id, one]));
    } catch (error) {
      // Their rows then say how many lines are here, and no more.
      if (!(error instanceof ApiError)) throw error;
    }
    this._listener.onChange();
  }

  /** @returns {Promise<string>} The id of the file import with the latest line; empty where the log has none. */
  async lastImport() {
    const [last] = await this.api.imports(toQuery({ ...defaultFilters(), range: '12m' }, new Date(), this.zone), 1);
    return last?.import_id ?? '';
  }

  /** @param {string} start When the log begins. */
  _learnRetention(start) {
    this.retentionDay = dayOf(new Date(start), this.zone);
    const { filters } = this;
    this.filters = withinRetention(filters, this.retentionDay);
    this.isClamped ||= this.filters !== filters;
  }

  /** Whoever may no longer read the log keeps nothing of it on the screen. */
  _forgetRead() {
    this.lives?.forget();
    this.list.forget();
    this.persons = new KnownPersons();
    this.expanded.clear();
    this.imports.clear();
    if (this.linked) this.linked.line = null;
    this._listener.onDeletion();
    this._listener.onRefusal();
  }

  /** Ask who it is that the filters name and no shown line does. Each time anew: they may be deleted meanwhile. */
  async _learnFiltered() {
    if (this.list.error) return;
    const shown = new Set(this.list.lines.flatMap((line) => [line.affected_user.ref, line.admin.ref]));
    const { persons, filters } = this;
    const sides = /** @type {const} */ ({ affected_user: filters.affectedUsers, admin: filters.admins });
    for (const [side, refs] of Object.entries(sides)) {
      for (const ref of refs.filter((one) => one !== DELETED_REF && !idIn(one) && !shown.has(one) && !persons.isErased(one))) {
        await this._learnPerson(/** @type {keyof typeof sides} */ (side), ref);
      }
    }
  }

  /** @param {'affected_user'|'admin'} side @param {string} ref */
  async _learnPerson(side, ref) {
    const { persons } = this;
    try {
      const page = await this.api.page(new URLSearchParams({ [side]: `ref:${ref}` }), { limit: 1 });
      const [line] = page.data;
      if (line) persons.learn([line[side]]);
      else if (persons.of(ref)) persons.forget(ref);
      else return;
      if (!line) this._listener.onDeletion();
    } catch (error) {
      // The list's own error says what is wrong.
      if (!(error instanceof ApiError)) throw error;
    }
    this._listener.onChange();
  }

  /** @param {Parameters<KnownPersons['forgetDeleted']>} read */
  _forgetDeleted(...read) {
    if (this.persons.forgetDeleted(...read)) this._listener.onDeletion();
  }

  /** One at a time: an older answer must not follow a newer one, nor open again what the reader closed meanwhile. */
  async _loadLinked() {
    const { linked } = this;
    if (!linked || linked.isLoading) return;
    linked.isLoading = true;
    const before = linked.line;
    try {
      linked.line = await this.api.line(linked.id);
      linked.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      linked.error = error;
      if (error.kind === 'not_found' || error.isRefusal) linked.line = null;
    } finally {
      linked.isLoading = false;
    }
    if (linked !== this.linked) return;
    if (!before && linked.line) this.expanded.add(linked.id);
    if (before && linked.line) this._forgetDeleted([before], [linked.line], this.filters);
    this._listener.onChange();
  }
}
