// What the reader does, and what follows from it.
import { cleared, ID_PREFIX } from './state.js';
import { isInstant, SINCE } from './time.js';

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

export class Actions {
  /** @param {import('./session.js').Session} session @param {Page} page */
  constructor(session, page) {
    this.session = session;
    this._page = page;
    /** @type {import('./menus.js').Menus|null} Once they can be drawn. */
    this.menus = null;
    this.announcement = '';
    this.toast = '';
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
    this.menus?.leavePeriod(session.filters.range);
    session.setFilters(filters);
    this._page.configure();
    this._page.writeUrl({ isStep: true });
    this._page.emit('uml-filter-change', { filters: structuredClone(session.filters) });
    if (session.isOpen) void session.load();
  }

  /** @param {Partial<Filters>} change */
  changeFilters(change) {
    this.setFilters({ ...this.session.filters, ...change });
  }

  /** @param {import('./state.js').ListName} name @param {string} value */
  showOnly(name, value) {
    this.session.expanded.clear();
    this.changeFilters({ [name]: [value] });
    this.toTop();
  }

  /** All that happened to one user. @param {string} id The platform's. */
  showUser(id) {
    this.showAll({ affectedUsers: [ID_PREFIX + id] });
  }

  /** Everything that *filters* select, whatever was filtered before. @param {Partial<Filters>} filters */
  showAll(filters) {
    this.session.expanded.clear();
    this.setFilters({ ...cleared(this.session.filters), range: '12m', from: '', to: '', ...filters });
    this.toTop();
  }

  /** What comes is another list, and is read from its beginning. */
  toTop() {
    ['dialog', '.scroll'].forEach((one) => this._page.drawing.find(one)?.scrollTo(0, 0));
  }

  // ---- Lines ----

  /** Show what belongs to a row, or no longer. @param {'expanded'|'unfolded'} rows Lines, or imports. @param {string} id */
  toggle(rows, id) {
    const open = this.session[rows];
    if (!open.delete(id)) open.add(id);
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
    this.menus?.forgetDeleted();
    this.session.beside?.lives.forget();
    this.announce('');
  }

  /** Forget everything that was read. */
  forgetAll() {
    this.menus?.forgetAll();
    this.session.forgetAll();
    this.announcement = '';
    this.toast = '';
  }

  stop() {
    clearTimeout(this._announceTimer);
    this.session.stop();
    this.forgetAll();
  }
}
