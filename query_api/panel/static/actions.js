// What the reader does, and what follows from it.
import { cleared, ID_PREFIX } from './state.js';
import { dayOf, daysOf, isInstant, SINCE } from './time.js';

const ANNOUNCED_MS = 4_000;

/**
 * @typedef {import('./state.js').Filters} Filters
 *
 * @typedef {object} Page What the actions need of the element.
 * @property {import('./drawing.js').Drawing} drawing
 * @property {() => void} close
 * @property {() => void} onClosed
 * @property {() => Promise<void>} refresh
 * @property {() => void} configure Take over the zone.
 * @property {(options: {isStep: boolean}) => void} writeUrl *isStep*: Back leads to how it is now.
 * @property {(name: string, detail?: object) => void} emit
 */

const NO_VIEWS = { isOpen: false, naming: /** @type {string|null} */ (null), problem: '' };
const NO_EXPORT = { isOpen: false, isRunning: false, error: '', done: 0, cancel: () => {} };

export class Actions {
  /** @param {import('./session.js').Session} session @param {Page} page */
  constructor(session, page) {
    this.session = session;
    this._page = page;
    /** @type {import('./combobox.js').PersonPicker[]} */
    this.pickers = [];
    this.filtersUnfolded = false;
    /** @type {{from: string, to: string, problem: string}|null} Dates that were entered and cannot be asked for. */
    this.dates = null;
    /** The period before custom dates. */
    this.periodBefore = '';
    this.announcement = '';
    this.toast = '';
    this.exporting = NO_EXPORT;
    /** *naming*: the view whose name is being written; empty for a new one. */
    this.views = NO_VIEWS;
  }

  update() {
    this._page.drawing.update();
  }

  /** @param {() => void} work */
  afterUpdate(work) {
    this._page.drawing.afterUpdate(work);
  }

  close() {
    this._page.close();
  }

  /** The dialog was closed, by whatever means. */
  onClosed() {
    this._page.onClosed();
  }

  refresh() {
    return this._page.refresh();
  }

  // ---- Filters ----

  /** Those of this moment: what is drawn may be of the one before. */
  get filters() {
    return this.session.filters;
  }

  /** @param {Filters} filters */
  setFilters(filters) {
    const session = this.session;
    // What a view began with is no day.
    if (filters.range !== SINCE && isInstant(filters.from)) filters = { ...filters, from: '' };
    if (filters.range === 'custom' && session.filters.range !== 'custom' && !filters.from && !filters.to) {
      // Custom dates begin with those of the period before.
      const { first } = daysOf(session.filters, new Date(), session.zone);
      filters = { ...filters, from: first || session.retentionDay, to: dayOf(new Date(), session.zone) };
    }
    if (![SINCE, 'custom'].includes(session.filters.range)) this.periodBefore = session.filters.range;
    this.dates = null;
    session.setFilters(filters);
    this._page.configure();
    this._page.writeUrl({ isStep: true });
    this._page.emit('uml-filter-change', { filters: structuredClone(session.filters) });
    if (session.isOpen) void session.load();
  }

  /** @param {typeof this.dates} dates */
  setDates(dates) {
    this.dates = dates;
    this.update();
  }

  /** @param {Partial<Filters>} change */
  changeFilters(change) {
    this.setFilters({ ...this.session.filters, ...change });
  }

  /** @param {import('./state.js').ListName} name @param {string} value */
  showOnly(name, value) {
    this.session.expanded.clear();
    this.changeFilters({ [name]: [value] });
    this.focusOn('#title');
  }

  /** All that happened to one user. @param {string} id The platform's. */
  showUser(id) {
    this.showAll({ affectedUsers: [ID_PREFIX + id] });
  }

  /** Everything that *filters* select, whatever was filtered before. @param {Partial<Filters>} filters */
  showAll(filters) {
    this.session.expanded.clear();
    this.setFilters({ ...cleared(this.session.filters), range: '12m', from: '', to: '', ...filters });
    this.focusOn('#title');
  }

  clearFilters() {
    this.pickers.forEach((picker) => picker.reset());
    this.setFilters(cleared(this.session.filters));
    this.focusOn('#title');
  }

  foldFilters() {
    this.filtersUnfolded = !this.filtersUnfolded;
    this.update();
  }

  // ---- Lines ----

  /** @param {string} eventId */
  expand(eventId) {
    const { expanded } = this.session;
    if (!expanded.delete(eventId)) expanded.add(eventId);
    this.update();
  }

  /** Show the lines of an import one by one, or no longer. @param {string} id */
  unfold(id) {
    const { unfolded } = this.session;
    if (!unfolded.delete(id)) unfolded.add(id);
    this.update();
  }

  async loadMore() {
    const first = await this.session.loadMore();
    // The first that came may be folded into a row that was there.
    if (first) this.focusOn(`[id="toggle-${first}"], #more`);
    else this.scrollTo('.frame > .notice');
  }

  /** Take in the lines that are new. */
  async showNew() {
    await this.session.load();
    this.focusOn('tr.line button');
  }

  closeLinked() {
    this.session.linked = null;
    this._page.writeUrl({ isStep: false });
    this.focusOn('#title');
  }

  // ---- Views ----

  /** @param {Partial<typeof NO_VIEWS>} change */
  setViews(change) {
    this.views = { ...this.views, ...change };
    this.update();
  }

  // ---- Export ----

  /** @param {Partial<typeof NO_EXPORT>} change */
  setExport(change) {
    this.exporting = { ...this.exporting, ...change };
    this.update();
  }

  /** Where something may be that is not drawn. */
  place() {
    return /** @type {HTMLElement} */ (this._page.drawing.find('dialog'));
  }

  // ---- What the reader and the page are told ----

  /** @param {string} name @param {object} [detail] */
  emit(name, detail) {
    this._page.emit(name, detail);
  }

  /** Let the host sign the reader in, and try again. */
  signIn() {
    this.emit('uml-auth-required');
    void this.refresh();
  }

  /** @param {import('./api.js').ApiError} error */
  report({ kind, status, requestId }) {
    if (kind === 'unauthenticated') this.emit('uml-auth-required');
    this.emit('uml-error', { kind, status, requestId });
  }

  /**
   * Say something to those who listen, and, if *visibly*, show it. It goes after a while: it may hold a name.
   * @param {string} text
   */
  announce(text, { visibly = false } = {}) {
    this.announcement = text;
    this.toast = visibly ? text : '';
    clearTimeout(this._announceTimer);
    if (text) this._announceTimer = setTimeout(() => this.announce(''), ANNOUNCED_MS);
    this.update();
  }

  /** @param {string} selector Whatever fits it after the next drawing. */
  focusOn(selector) {
    const { drawing } = this._page;
    drawing.afterUpdate(() => drawing.find(selector)?.focus());
  }

  /** @param {string} selector */
  scrollTo(selector) {
    const { drawing } = this._page;
    drawing.afterUpdate(() => drawing.find(selector)?.scrollIntoView({ block: 'nearest' }));
  }

  // ---- Forgetting ----

  /** A person was deleted: nothing goes on naming them. */
  forgetDeleted() {
    this.pickers.forEach((picker) => picker.forget());
    this.session.lives?.forget();
    this.announce('');
  }

  /** Forget everything that was read. */
  forgetAll() {
    this.pickers.forEach((picker) => picker.reset());
    this.session.forgetAll();
    this.announcement = '';
    this.toast = '';
    this.exporting.cancel();
    this.exporting = NO_EXPORT;
    this.views = NO_VIEWS;
    this.dates = null;
  }

  stop() {
    clearTimeout(this._announceTimer);
    this.session.stop();
    this.forgetAll();
  }
}
