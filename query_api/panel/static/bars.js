// The bars of the chart: hours, days or weeks. Pure.
import { addDays, dayOf } from './time.js';

const MAX_DAYS = 370;
const MAX_DAY_BARS = 120;
const WEEK = 7;

/**
 * @typedef {object} Bar
 * @property {string} first Its first day.
 * @property {string} last Its last day.
 * @property {Date|null} start The instant that it begins with, if it is an hour.
 * @property {number} total
 * @property {Record<string, number>} types How many of each activity type.
 */

/**
 * Days without activity are there, too, and so are hours.
 * @param {import('./api.js').Stats} stats
 * @param {{first: string, last: string}} days Of the period; an absent one is open.
 * @param {string} zone
 * @param {Date} now
 * @returns {Bar[]}
 */
export function barsOf({ interval, buckets }, days, zone, now) {
  if (interval === 'hour') return buckets.map((bucket) => hourBar(bucket, zone));
  const found = daily(buckets, days, zone, now);
  if (found.length <= MAX_DAY_BARS) return found;
  return Array.from({ length: Math.ceil(found.length / WEEK) }, (_, week) => together(found.slice(week * WEEK, (week + 1) * WEEK)));
}

/** The bars as one. @param {Bar[]} bars @returns {Bar} */
export function together(bars) {
  /** @type {Record<string, number>} */
  const types = {};
  for (const bar of bars) for (const [type, count] of Object.entries(bar.types)) types[type] = (types[type] ?? 0) + count;
  const total = bars.reduce((sum, bar) => sum + bar.total, 0);
  return { first: bars[0].first, last: bars[bars.length - 1].last, start: null, total, types };
}

/** @param {import('./api.js').Bucket} bucket @param {string} zone @returns {Bar} */
function hourBar({ start, total, by_activity_type: types }, zone) {
  const instant = new Date(start);
  const day = dayOf(instant, zone);
  return { first: day, last: day, start: instant, total, types };
}

/**
 * @param {import('./api.js').Bucket[]} buckets
 * @param {{first: string, last: string}} days
 * @param {string} zone
 * @param {Date} now
 * @returns {Bar[]}
 */
function daily(buckets, { first, last }, zone, now) {
  const found = new Map(buckets.map((bucket) => [dayOf(new Date(bucket.start), zone), bucket]));
  const today = dayOf(now, zone);
  const end = last && last < today ? last : today;
  /** @type {Bar[]} */
  const bars = [];
  for (let day = first || [...found.keys()].toSorted()[0]; day && day <= end && bars.length < MAX_DAYS; day = addDays(day, 1)) {
    const bucket = found.get(day);
    bars.push({ first: day, last: day, start: null, total: bucket?.total ?? 0, types: bucket?.by_activity_type ?? {} });
  }
  return bars;
}

/** The count that the chart's full height stands for: one import must not flatten all other bars. @param {Bar[]} bars */
export function topOf(bars) {
  const busy = bars.map(({ total }) => total).filter(Boolean).toSorted((a, b) => b - a);
  const usual = busy[Math.ceil(busy.length / 10)] ?? busy[0];
  return busy[0] > 3 * usual ? 2 * usual : busy[0];
}
