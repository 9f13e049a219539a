// What the reader has chosen, as plain values, and what the API is asked for it. Nothing here touches the page.
import { boundsOf, dayOf, DEFAULT_RANGE, isInstant, isMoment, RANGES, SINCE } from './time.js';

export const ACTIVITY_TYPES = ['user_creation', 'user_deletion', 'user_license_update', 'admin_rights_update'];
export const CHANNELS = ['ui', 'api', 'file_import'];

/** The filter value and the typeahead's ref of everybody who was deleted. */
export const DELETED_REF = 'deleted';

/** Before the id of a person whom the page named, until a line tells the ref. Ids stay out of addresses. */
export const ID_PREFIX = 'id:';

/**
 * @typedef {object} Person
 * @property {string} ref
 * @property {string|null} id
 * @property {string|null} username
 * @property {string|null} display_name
 * @property {boolean} deleted
 *
 * @typedef {object} Change
 * @property {'license'|'admin_rights'} field
 * @property {string|boolean|null} before
 * @property {string|boolean|null} after
 *
 * @typedef {object} Activity
 * @property {string} event_id
 * @property {string} occurred_at
 * @property {string} recorded_at
 * @property {string} activity_type
 * @property {string} channel
 * @property {Person} affected_user
 * @property {Person} admin
 * @property {Change[]} changes
 * @property {{service: string, request_id: string|null, import_id: string|null, row_number: number|null}|null} source
 *
 * @typedef {'activityTypes'|'channels'|'affectedUsers'|'admins'|'imports'|'licenses'|'adminRights'} ListName The filters that take several values.
 *
 * @typedef {object} Filters
 * @property {string[]} activityTypes
 * @property {string[]} channels
 * @property {string[]} affectedUsers Refs, or ids behind `ID_PREFIX`.
 * @property {string[]} admins Refs.
 * @property {string[]} imports Ids of file imports.
 * @property {string[]} licenses As lines spell them.
 * @property {string[]} adminRights What an update of them did: `granted` or `removed`.
 * @property {string} range One of `RANGES`, or `SINCE`.
 * @property {string} from A day or a minute, for custom dates; the instant of `SINCE`.
 * @property {string} to A day, which is included, or a minute, which is not; only for custom dates.
 * @property {'local'|'utc'} zone
 */

/**
 * The filters that take several values: the name in addresses, the API's parameter, and which values there are.
 * @type {Record<ListName, [inAddress: string, parameter: string, isKnown: (value: string) => boolean]>}
 */
export const LISTS = {
  activityTypes: ['activity', 'activity_type', (value) => ACTIVITY_TYPES.includes(value)],
  affectedUsers: ['user', 'affected_user', isRef],
  admins: ['admin', 'admin', isRef],
  channels: ['channel', 'channel', (value) => CHANNELS.includes(value)],
  imports: ['import', 'import_id', isUuid],
  licenses: ['license', 'license', (value) => /^(?=.*\S).{1,128}$/su.test(value)],
  adminRights: ['admin_rights', 'admin_rights', (value) => ['granted', 'removed'].includes(value)],
};
export const LIST_NAMES = /** @type {ListName[]} */ (Object.keys(LISTS));

/** @returns {Filters} */
export function defaultFilters() {
  const lists = Object.fromEntries(LIST_NAMES.map((name) => [name, []]));
  return /** @type {Filters} */ ({ ...lists, range: DEFAULT_RANGE, from: '', to: '', zone: 'local' });
}

/**
 * Everything cleared but the period and the zone, which are no filters.
 * @param {Filters} filters
 * @returns {Filters}
 */
export function cleared(filters) {
  const { range, from, to, zone } = filters;
  return { ...defaultFilters(), range, from, to, zone };
}

/** Whether anything but the period narrows the log. @param {Filters} filters */
export function isFiltered(filters) {
  return LIST_NAMES.some((name) => filters[name].length);
}

/** Whether the log is shown as it is at first. @param {Filters} filters */
export function isUsual(filters) {
  return !isFiltered(filters) && filters.range === DEFAULT_RANGE;
}

/**
 * Why two dates cannot be asked for, or nothing. Between two minutes that differ there may be no time: clocks skip hours.
 * @param {{from: string, to: string}} dates
 * @param {string} retentionDay The first day that the log still holds, if it is known.
 * @param {string} zone
 * @returns {''|'order'|'skipped'|'too_old'}
 */
export function datesProblem(dates, retentionDay, zone) {
  if (dates.to && retentionDay && dates.to < retentionDay) return 'too_old';
  const { from, to } = boundsOf({ range: 'custom', ...dates }, new Date(), zone);
  if (!from || !to || new Date(from) < new Date(to)) return '';
  return zone !== 'UTC' && !datesProblem(dates, '', 'UTC') ? 'skipped' : 'order';
}

/**
 * The filters with a start that the log still holds.
 * @param {Filters} filters
 * @param {string} retentionDay
 * @returns {Filters}
 */
export function withinRetention(filters, retentionDay) {
  const { range, from } = filters;
  return range === 'custom' && from && from < retentionDay ? { ...filters, from: retentionDay } : filters;
}

/** The id that a filter's value holds, if it holds one. @param {string} value */
export function idIn(value) {
  return value.startsWith(ID_PREFIX) ? value.slice(ID_PREFIX.length) : '';
}

/**
 * The filters with refs in the place of the ids of those whom *lines* are about.
 * @param {Filters} filters
 * @param {Activity[]} lines
 * @returns {Filters}
 */
export function withRefs(filters, lines) {
  if (!filters.affectedUsers.some(idIn)) return filters;
  const refs = new Map(lines.map(({ affected_user: { id, ref } }) => [id, ref]));
  return { ...filters, affectedUsers: filters.affectedUsers.map((value) => refs.get(idIn(value)) ?? value) };
}

/**
 * The parameters that every endpoint takes. They do not change within a day, so that pages, counts and polls agree.
 * @param {Filters} filters
 * @param {Date} now
 * @param {string} zone
 * @returns {URLSearchParams}
 */
export function toQuery(filters, now, zone) {
  const query = new URLSearchParams();
  for (const name of LIST_NAMES) {
    const [, parameter, isKnown] = LISTS[name];
    filters[name].forEach((value) => query.append(parameter, isKnown === isRef ? idIn(value) || `ref:${value}` : value));
  }
  Object.entries(boundsOf(filters, now, zone)).forEach(([name, value]) => query.set(name, value));
  return query;
}

const FOLDED_FROM = 5;

/**
 * The lines in their order, those of one import together where they follow one another. Few are not worth a row of their own.
 * @param {Activity[]} lines
 * @returns {{importId: string, lines: Activity[]}[]} *importId* is empty where the lines are not folded.
 */
export function runsOf(lines) {
  /** @type {{importId: string, lines: Activity[]}[]} */
  const runs = [];
  for (const line of lines) {
    const importId = line.source?.import_id ?? '';
    const last = runs.at(-1);
    if (last?.importId === importId) last.lines.push(line);
    else runs.push({ importId, lines: [line] });
  }
  return runs.map((run) => (run.lines.length < FOLDED_FROM ? { ...run, importId: '' } : run));
}

/**
 * The lines by day, in their order.
 * @param {Activity[]} lines
 * @param {string} zone
 * @returns {{day: string, lines: Activity[]}[]}
 */
export function byDay(lines, zone) {
  /** @type {{day: string, lines: Activity[]}[]} */
  const found = [];
  for (const line of lines) {
    const day = dayOf(new Date(line.occurred_at), zone);
    const last = found.at(-1);
    if (last?.day === day) last.lines.push(line);
    else found.push({ day, lines: [line] });
  }
  return found;
}

/**
 * Filters from values that anyone may have written, for instance into a link: what is unknown is left out.
 * @param {(name: string) => string[]} valuesOf
 * @returns {Filters}
 */
export function fromRaw(valuesOf) {
  const filters = defaultFilters();
  for (const name of LIST_NAMES) {
    const [inAddress, , isKnown] = LISTS[name];
    filters[name] = [...new Set(valuesOf(inAddress))].filter(isKnown).slice(0, MAX_VALUES);
  }
  const [[range = DEFAULT_RANGE], [from = ''], [to = ''], [zone]] = ['range', 'from', 'to', 'zone'].map(valuesOf);
  if (RANGES.includes(range)) filters.range = range;
  if (range === 'custom') {
    Object.assign(filters, { from: isMoment(from) ? from : '', to: isMoment(to) ? to : '' });
    if (datesProblem(filters, '', 'UTC')) Object.assign(filters, { range: DEFAULT_RANGE, from: '', to: '' });
  }
  if (range === SINCE && isInstant(from)) Object.assign(filters, { range, from });
  if (zone === 'utc') filters.zone = zone;
  return filters;
}

const MAX_VALUES = 50;

/** @param {string} value */
export function isUuid(value) {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
}

/** @param {string} value */
export function isRef(value) {
  return value === DELETED_REF || isUuid(value);
}
