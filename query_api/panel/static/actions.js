// What the reader does, and what follows from it.
import { cleared, toggled } from './state.js';
import { dayOf, daysOf } from './time.js';

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
 * @property {() => void} writeUrl
 * @property {(name: string, detail?: object) => void} emit
 */

const NO_EXPORT = { isOpen: false, isRunning: false, error: '' };

export class Actions {
  /** @param {import('./session.js').Session} session @param {Page} page */
  constructor(session, page) {
    this._session = session;
    this._page = page;
    /** @type {import('./combobox.js').PersonPicker[]} */
    this.pickers = [];
    this.filtersUnfolded = false;
    /** @type {[number, number]|null} The days that are being dragged over. */
    this.drag = null;
    this.announcement = '';
    this.toast = '';
    this.exporting = NO_EXPORT;
  }

  update() {
    this._page.drawing.update();
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

  /** @param {Filters} filters */
  setFilters(filters) {
    const session = this._session;
    if (filters.range === 'custom' && session.filters.range !== 'custom' && !filters.from && !filters.to) {
      // Custom dates begin with those of the period before.
      const { first } = daysOf(session.filters, new Date(), session.zone);
      filters = { ...filters, from: first || session.retentionDay, to: dayOf(new Date(), session.zone) };
    }
    session.filters = filters;
    this._page.configure();
    this._page.writeUrl();
    this._page.emit('uml-filter-change', { filters: structuredClone(filters) });
    void session.load();
  }

  /** @param {Partial<Filters>} change */
  changeFilters(change) {
    this.setFilters({ ...this._session.filters, ...change });
  }

  /** @param {import('./state.js').ListName} name @param {string} value */
  toggle(name, value) {
    this.setFilters(toggled(this._session.filters, name, value));
  }

  /** @param {'affectedUsers'|'admins'} name @param {string} ref */
  showOnly(name, ref) {
    this._session.expanded.clear();
    this.changeFilters({ [name]: [ref] });
    this.focusOn('#title');
  }

  /** Everything of one file import, whatever was filtered before. @param {string} id */
  showImport(id) {
    this._session.expanded.clear();
    this.setFilters({ ...cleared(this._session.filters), range: '12m', imports: [id] });
    this.focusOn('#title');
  }

  clearFilters() {
    this.pickers.forEach((picker) => picker.reset());
    this.setFilters(cleared(this._session.filters));
    this.focusOn('#title');
  }

  /** @param {Filters} filters Those without the chip. */
  removeChip(filters) {
    this.setFilters(filters);
    this.focusOn('.chips button, #title');
  }

  foldFilters() {
    this.filtersUnfolded = !this.filtersUnfolded;
    this.update();
  }

  /** @param {[number, number]|null} drag */
  setDrag(drag) {
    this.drag = drag;
    this.update();
  }

  // ---- Persons ----

  /** @param {'users'|'admins'} kind @param {string} text @param {AbortSignal} signal */
  findPersons(kind, text, signal) {
    return this._session.api.persons(kind, text, signal);
  }

  /** @param {import('./state.js').ListName} name @param {import('./state.js').Person} person */
  togglePerson(name, person) {
    this._session.persons.learn([person]);
    this.toggle(name, person.ref);
  }

  // ---- Lines ----

  /** @param {string} eventId */
  expand(eventId) {
    const { expanded } = this._session;
    if (!expanded.delete(eventId)) expanded.add(eventId);
    this.update();
  }

  async loadMore() {
    const first = await this._session.list.loadMore();
    if (first) this.focusOn(`[id="toggle-${first}"]`);
  }

  /** Take in the lines that are new. */
  async showNew() {
    await this._session.load();
    this.focusOn('tr.line button');
  }

  closeLinked() {
    this._session.linked = null;
    this._page.writeUrl();
    this.focusOn('#title');
  }

  // ---- Export ----

  /** @param {Partial<typeof NO_EXPORT>} change */
  setExport(change) {
    this.exporting = { ...this.exporting, ...change };
    this.update();
  }

  /** A file of everything that the filters match. @param {'csv'|'jsonl'} format */
  fetchExport(format) {
    return this._session.api.export(this._session.query(), format);
  }

  // ---- What the reader and the page are told ----

  /** @param {string} name @param {object} [detail] */
  emit(name, detail) {
    this._page.emit(name, detail);
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
    this.announce('');
  }

  /** Forget everything that was read. */
  forgetAll() {
    this.pickers.forEach((picker) => picker.reset());
    this._session.forgetAll();
    this.announcement = '';
    this.toast = '';
    this.exporting = NO_EXPORT;
  }

  stop() {
    clearTimeout(this._announceTimer);
    this._session.stop();
    this.forgetAll();
  }
}
