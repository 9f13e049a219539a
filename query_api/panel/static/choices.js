// Each choice among the filters by itself: it is a chip, and can be put in or taken out. Pure.
import { LIST_NAMES } from './state.js';
import { DEFAULT_RANGE } from './time.js';

/**
 * @typedef {import('./state.js').Filters} Filters
 * @typedef {import('./state.js').ListName} ListName
 *
 * @typedef {object} Chip
 * @property {ListName|'range'} name
 * @property {string} value Empty for the period.
 */

/**
 * The filters with one value of a list put in or taken out.
 * @param {Filters} filters
 * @param {ListName} name
 * @param {string} value
 * @returns {Filters}
 */
export function toggled(filters, name, value) {
  const values = filters[name];
  const next = values.includes(value) ? values.filter((one) => one !== value) : [...values, value];
  return { ...filters, [name]: next };
}

/**
 * One chip for each filter, the period first.
 * @param {Filters} filters
 * @returns {Chip[]}
 */
export function chipsOf(filters) {
  const lists = LIST_NAMES.flatMap((name) => filters[name].map((value) => ({ name, value })));
  return [{ name: 'range', value: '' }, ...lists];
}

/**
 * The filters without that of one chip. Without custom dates they have the period before those, if there was one.
 * @param {Filters} filters
 * @param {Chip} chip
 * @param {string} [before]
 * @returns {Filters}
 */
export function withoutChip(filters, chip, before = '') {
  if (chip.name !== 'range') return toggled(filters, chip.name, chip.value);
  const usual = filters.range === DEFAULT_RANGE ? '12m' : DEFAULT_RANGE;
  return { ...filters, range: (filters.range === 'custom' && before) || usual, from: '', to: '' };
}
