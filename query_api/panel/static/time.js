// Days, minutes and instants. A day is `YYYY-MM-DD`, a minute of it `YYYY-MM-DDTHH:MM`; an instant is a Date. Between them stands a zone, never a count of hours:
// a day has 23, 24 or 25 of them.

const DAY_MS = 86_400_000;
/** @type {Record<string, number>} */
const PRESET_DAYS = { today: 1, '7d': 7, '30d': 30, '90d': 90 };

/** Every choice of the period, in the order that the panel offers. */
export const RANGES = ['today', '7d', '30d', '90d', '12m', 'custom'];
export const DEFAULT_RANGE = '30d';
/** From an instant on, as `since my last visit`. It is offered by views alone. */
export const SINCE = 'since';

/** The reader's own zone; UTC where the browser cannot say it. */
export function localZone() {
  try {
    return zoneNamed(new Intl.DateTimeFormat().resolvedOptions().timeZone) || 'UTC';
  } catch {
    return 'UTC';
  }
}

/**
 * The zone of that name as IANA spells it; nothing where there is none. A mere offset is no zone: the API takes none.
 * @param {string|undefined} name
 */
export function zoneNamed(name) {
  if (!name) return '';
  try {
    const zone = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
    return /^[A-Z]/.test(zone) && zone !== 'Etc/Unknown' ? zone : '';
  } catch {
    return '';
  }
}

/** @param {string} text */
export function isDay(text) {
  return /^\d{4}-\d\d-\d\d$/.test(text) && addDays(text, 0) === text;
}

/** Whether it is a day, or a minute of one. @param {string} text */
export function isMoment(text) {
  return isDay(text.slice(0, DAY_LENGTH)) && /^(T([01]\d|2[0-3]):[0-5]\d)?$/.test(text.slice(DAY_LENGTH));
}

const DAY_LENGTH = 10;

/** Whether it is a minute, and no whole day. @param {string} moment */
export const isMinute = (moment) => moment.includes('T');

/** Whether it is an instant as `toISOString` writes it. @param {string} text */
export function isInstant(text) {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString() === text;
}

/**
 * The day *count* days after *day*. Text that is no day gives no day.
 * @param {string} day
 * @param {number} count
 */
export function addDays(day, count) {
  const time = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(time) ? '' : new Date(time + count * DAY_MS).toISOString().slice(0, 10);
}

/** The day that a clock in *zone* shows. @param {Date} instant @param {string} zone */
export function dayOf(instant, zone) {
  // No zone begins a day, or changes its clocks, within a quarter of an hour: a thousand lines need few of these.
  const key = `${zone} ${Math.floor(instant.getTime() / QUARTER_MS)}`;
  let day = known.get(key);
  if (day === undefined) {
    const parts = Object.fromEntries(dayFormat(zone).formatToParts(instant).map(({ type, value }) => [type, value]));
    day = `${parts.year}-${parts.month}-${parts.day}`;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, day);
  }
  return day;
}

const QUARTER_MS = 900_000;
const MAX_KNOWN = 5_000;
/** @type {Map<string, string>} */
const known = new Map();

/**
 * The first instant of *day* in *zone*. Where a change of the clocks skips midnight it is the instant of the change,
 * and where midnight comes twice it is the first.
 * @param {string} day
 * @param {string} zone
 * @returns {Date}
 */
export function startOfDay(day, zone) {
  const candidates = candidatesOf(Date.parse(`${day}T00:00:00Z`), zone);
  return candidates.find((candidate) => dayOf(candidate, zone) === day) ?? candidates[candidates.length - 1];
}

/**
 * The first instant of a day, or at which the clocks of *zone* show that minute. One that they skip is as much later.
 * @param {string} moment
 * @param {string} zone
 */
export function instantOf(moment, zone) {
  if (!isMinute(moment)) return startOfDay(moment, zone);
  const candidates = candidatesOf(Date.parse(`${moment}:00Z`), zone);
  return candidates.find((candidate) => minuteOf(candidate, zone) === moment) ?? candidates[candidates.length - 1];
}

/** What the clocks of *zone* show. @param {Date} instant @param {string} zone */
export function minuteOf(instant, zone) {
  return new Date(instant.getTime() + offsetMs(instant, zone)).toISOString().slice(0, 'YYYY-MM-DDTHH:MM'.length);
}

/** The instants at which clocks may show what UTC's show at *asUtc*, the earliest first. @param {number} asUtc @param {string} zone */
function candidatesOf(asUtc, zone) {
  const offsets = [asUtc - DAY_MS, asUtc, asUtc + DAY_MS].map((time) => offsetMs(new Date(time), zone));
  return offsets.map((offset) => new Date(asUtc - offset)).toSorted((a, b) => a.getTime() - b.getTime());
}

/**
 * How far *zone*'s clocks are ahead of UTC at *instant*.
 * @param {Date} instant
 * @param {string} zone
 */
export function offsetMs(instant, zone) {
  const name = offsetFormat(zone).formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours, minutes, seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name) ?? [];
  if (!sign) return 0;
  return (sign === '-' ? -1 : 1) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/**
 * "UTC+1", or "UTC+1/+2" where the clocks change between two days.
 * @param {string} first
 * @param {string} last
 * @param {string} zone
 */
export function offsetsLabel(first, last, zone) {
  /** @type {Map<number, string>} */
  const labels = new Map();
  for (let day = first; day <= last; day = addDays(day, OFFSET_STEP_DAYS)) note(day);
  note(addDays(last, 1));
  const [one, ...others] = [...labels.keys()].toSorted((a, b) => a - b).map((offset) => String(labels.get(offset)));
  return [one, ...others.map((label) => label.replace('UTC', '') || '0')].join('/');

  /** @param {string} day */
  function note(day) {
    const instant = new Date(`${day}T00:00:00Z`);
    labels.set(offsetMs(instant, zone), offsetLabel(instant, zone));
  }
}

/** No zone changes its clocks and back again within it. */
const OFFSET_STEP_DAYS = 14;

/** "UTC+1". @param {Date} instant @param {string} zone */
export function offsetLabel(instant, zone) {
  const minutes = Math.round(offsetMs(instant, zone) / 60_000);
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
}

/**
 * The first and last day of a choice of period; an absent one is open.
 * @param {{range: string, from: string, to: string}} choice
 * @param {Date} now
 * @param {string} zone
 * @returns {{first: string, last: string}}
 */
export function daysOf(choice, now, zone) {
  if (choice.range === 'custom') return { first: choice.from.slice(0, DAY_LENGTH), last: choice.to.slice(0, DAY_LENGTH) };
  if (choice.range === SINCE) return { first: dayOf(new Date(choice.from), zone), last: '' };
  const days = PRESET_DAYS[choice.range];
  return { first: days ? addDays(dayOf(now, zone), 1 - days) : '', last: '' };
}

/**
 * The half-open span of time that the API is asked for. A last day is included: the span ends with the midnight
 * after it. A last minute is not.
 * @param {{range: string, from: string, to: string}} choice
 * @param {Date} now
 * @param {string} zone
 * @returns {{from?: string, to?: string}}
 */
export function boundsOf(choice, now, zone) {
  if (choice.range === SINCE) return { from: choice.from };
  const { from, to } = choice.range === 'custom' ? choice : { from: daysOf(choice, now, zone).first, to: '' };
  return {
    ...(from && { from: instantOf(from, zone).toISOString() }),
    ...(to && { to: instantOf(isMinute(to) ? to : addDays(to, 1), zone).toISOString() }),
  };
}

/** The longest span whose hours can be told apart: two days, one of which may have 25. */
const MAX_HOURS_MS = 2 * DAY_MS + 3_600_000;

/** What is counted together within what is asked for. @param {URLSearchParams} query @param {Date} now @returns {'hour'|'day'} */
export function intervalOf(query, now) {
  const end = query.has('to') ? Date.parse(query.get('to') ?? '') : now.getTime();
  return end - Date.parse(query.get('from') ?? '') <= MAX_HOURS_MS ? 'hour' : 'day';
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} zone */
function dayFormat(zone) {
  return cached(`day ${zone}`, { timeZone: zone, calendar: 'iso8601', year: 'numeric', month: '2-digit', day: '2-digit' });
}

/** @param {string} zone */
function offsetFormat(zone) {
  return cached(`offset ${zone}`, { timeZone: zone, timeZoneName: 'longOffset' });
}

/** @param {string} key @param {Intl.DateTimeFormatOptions} options */
function cached(key, options) {
  const format = formats.get(key) ?? new Intl.DateTimeFormat('en-US', options);
  formats.set(key, format);
  return format;
}
