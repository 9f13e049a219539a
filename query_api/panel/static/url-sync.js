// The filters in the page's address, under a prefix of their own: what the host keeps there stays as it is.
// Refs only, never a name or an id: addresses end up in histories and logs.
import { defaultFilters, fromRaw, isUuid, LISTS } from './state.js';

const MARK = 'uml';
const SINGLES = /** @type {const} */ (['range', 'from', 'to', 'zone']);

/**
 * What an address asks for; `null` where it does not mention the panel.
 * @param {string} search
 * @returns {{filters: import('./state.js').Filters, eventId: string}|null}
 */
export function readUrl(search) {
  const given = new URLSearchParams(search);
  if (!isMarked(search)) return null;
  const eventId = given.get(`${MARK}.event`) ?? '';
  return { filters: fromRaw((name) => given.getAll(`${MARK}.${name}`)), eventId: isUuid(eventId) ? eventId : '' };
}

/**
 * The address *href* with the state of the panel in it, or without any where *filters* is `null`. What is not the
 * panel's stays byte for byte.
 * @param {string} href
 * @param {import('./state.js').Filters|null} filters
 * @param {string} [eventId]
 * @returns {string}
 */
export function writeUrl(href, filters, eventId = '') {
  const [, page = '', search, anchor = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/.exec(href) ?? [];
  const kept = search === undefined ? [] : search.slice(1).split('&').filter((part) => !isOwn(part));
  const query = new URLSearchParams();
  if (filters) {
    query.set(MARK, '1');
    for (const [name, [inAddress, , isKnown]] of Object.entries(LISTS)) {
      filters[/** @type {keyof typeof LISTS} */ (name)].filter(isKnown).forEach((value) => query.append(`${MARK}.${inAddress}`, value));
    }
    const usual = defaultFilters();
    for (const name of SINGLES) {
      if (filters[name] !== usual[name]) query.set(`${MARK}.${name}`, filters[name]);
    }
    if (eventId) query.set(`${MARK}.event`, eventId);
  }
  const parts = query.size ? [...kept, query.toString()] : kept;
  return page + (parts.length ? `?${parts.join('&')}` : '') + anchor;
}

/** Whether an address mentions the panel. @param {string} search */
export function isMarked(search) {
  return new URLSearchParams(search).get(MARK) === '1';
}

/** @param {string} part One parameter, as the address spells it. */
function isOwn(part) {
  const [name = ''] = new URLSearchParams(part).keys();
  return name === MARK || name.startsWith(`${MARK}.`);
}
