// The filters in the page's address, under a prefix of their own: what the host keeps there stays as it is.
// Refs only, never a name or an id: addresses end up in histories and logs.
import { defaultFilters, fromRaw, isRef, isUuid } from './state.js';
import { isMoment } from './time.js';

const MARK = 'uml';
const LIST_NAMES = { activityTypes: 'activity', affectedUsers: 'user', admins: 'admin', channels: 'channel', imports: 'import', licenses: 'license', adminRights: 'admin_rights' };
const SINGLES = { range: 'range', from: 'from', to: 'to', zone: 'zone' };

/**
 * What an address asks for; `null` where it does not mention the panel.
 * @param {string} search
 * @returns {{filters: import('./state.js').Filters, eventId: string}|null}
 */
export function readUrl(search) {
  const given = new URLSearchParams(search);
  if (!isMarked(search)) return null;
  const raw = Object.fromEntries(
    [...Object.values(LIST_NAMES), ...Object.values(SINGLES)].map((name) => [name, given.getAll(`${MARK}.${name}`)]),
  );
  const eventId = given.get(`${MARK}.event`) ?? '';
  return { filters: fromRaw(raw, { isMoment }), eventId: isUuid(eventId) ? eventId : '' };
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
    for (const [key, name] of entries(LIST_NAMES)) {
      filters[key].filter((value) => !name.match(/^(user|admin)$/) || isRef(value)).forEach((value) => query.append(`${MARK}.${name}`, value));
    }
    const usual = defaultFilters();
    for (const [key, name] of entries(SINGLES)) {
      if (filters[key] !== usual[key]) query.set(`${MARK}.${name}`, filters[key]);
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

/**
 * `Object.entries`, which knows that these objects have no other keys.
 * @template {string} K
 * @param {Record<K, string>} names
 */
function entries(names) {
  return /** @type {[K, string][]} */ (Object.entries(names));
}
