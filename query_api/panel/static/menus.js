// What the reader does in the filters, the views and the export: what is open there, entered by half, or running.
import { PersonPicker } from './combobox.js';
import { SINCE } from './time.js';

/** @typedef {import('./actions.js').Actions} Actions */

const NO_VIEWS = { isOpen: false, naming: /** @type {string|null} */ (null), problem: '' };
const NO_EXPORT = { isOpen: false, isRunning: false, error: '', done: 0, cancel: () => {} };

export class Menus {
  /** @param {Actions} act */
  constructor(act) {
    this._act = act;
    /** The two fields that persons are picked in. */
    this.pickers = [
      new PersonPicker(act, { name: 'affectedUsers', kind: 'users', label: 'filter.affected_user' }),
      new PersonPicker(act, { name: 'admins', kind: 'admins', label: 'filter.admin' }),
    ];
    this.filtersUnfolded = false;
    /** @type {{from: string, to: string, problem: string}|null} Dates that were entered and cannot be asked for. */
    this.dates = null;
    /** The period before custom dates. */
    this.periodBefore = '';
    this.exporting = NO_EXPORT;
    /** *naming*: the view whose name is being written; empty for a new one. */
    this.views = NO_VIEWS;
  }

  // ---- Filters ----

  foldFilters() {
    this.filtersUnfolded = !this.filtersUnfolded;
    this._act.update();
  }

  /** @param {Menus['dates']} dates */
  setDates(dates) {
    this.dates = dates;
    this._act.update();
  }

  /** The filters are about to change. @param {string} range Their period until now. */
  leavePeriod(range) {
    if (![SINCE, 'custom'].includes(range)) this.periodBefore = range;
    this.dates = null;
  }

  resetPickers() {
    this.pickers.forEach((picker) => picker.reset());
  }

  // ---- Views and export ----

  /** @param {Partial<typeof NO_VIEWS>} change */
  setViews(change) {
    this.views = { ...this.views, ...change };
    this._act.update();
  }

  /** @param {Partial<typeof NO_EXPORT>} change */
  setExport(change) {
    this.exporting = { ...this.exporting, ...change };
    this._act.update();
  }

  /** Whoever may no longer read the log is offered no export of it. */
  stopExport() {
    this.exporting.cancel();
    this.setExport({ isOpen: false });
  }

  // ---- Forgetting ----

  /** A person was deleted: nothing goes on naming them. */
  forgetDeleted() {
    this.pickers.forEach((picker) => picker.forget());
  }

  forgetAll() {
    this.resetPickers();
    this.exporting.cancel();
    this.exporting = NO_EXPORT;
    this.views = NO_VIEWS;
    this.dates = null;
  }
}

/** Those of *act*, for modules that come together with them. @param {Actions} act */
export function menusOf({ menus }) {
  return /** @type {Menus} */ (menus);
}
