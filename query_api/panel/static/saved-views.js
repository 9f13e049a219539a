// What the browser keeps for the reader on the host's origin: named views, and up to when they saw the log.
// A view is what an address would say of it: refs only. Where the browser keeps nothing, there are no views.

const VIEWS = 'user-management-log.views';
const VISIT = 'user-management-log.visit';
export const MAX_NAME = 60;

/** @typedef {{name: string, query: string}} View *query*: the part of an address that leads to it. */

/** The views, by name. @returns {View[]} */
export function savedViews() {
  try {
    const kept = JSON.parse(read(VIEWS));
    return kept.filter((/** @type {View} */ view) => typeof view.name === 'string' && typeof view.query === 'string');
  } catch {
    return [];
  }
}

/**
 * @param {View[]} views All there are from now on.
 * @returns {boolean} Whether the browser keeps them.
 */
export function keepViews(views) {
  return write(VIEWS, JSON.stringify(views.toSorted((a, b) => a.name.localeCompare(b.name))));
}

/**
 * The views with *view* among them; it takes the place of one of that name, and of the one called *before*.
 * @param {View[]} views
 * @param {View} view
 * @param {string} [before]
 */
export function withView(views, view, before = '') {
  return [...views.filter(({ name }) => name !== view.name && name !== before), view];
}

/** Up to when the log was seen, as an instant; empty where that is not known. */
export function lastVisit() {
  return read(VISIT);
}

/** @param {Date} seenUntil */
export function keepVisit(seenUntil) {
  write(VISIT, seenUntil.toISOString());
}

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} key @param {string} value */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
    return true;
  } catch {
    return false;
  }
}
