// What one drawing shows: a value, taken from the session. Those who draw read it and change nothing.
import { html } from './vendor/lit-html/lit-html.js';
import { dayOf, daysOf, isMinute, offsetsLabel, SINCE } from './time.js';

/**
 * @typedef {typeof import('./rest.js')} Rest The modules that come behind the first lines.
 * @typedef {import('./i18n.js').Translator} Translator
 *
 * @typedef {object} Page What only the element knows.
 * @property {Translator} t
 * @property {boolean} canLink Whether addresses of this page can lead to a line.
 * @property {Rest|null} rest
 * @property {boolean} restFailed
 *
 * @typedef {ReturnType<typeof modelOf>} Model
 */

/**
 * @param {import('./session.js').Session} session
 * @param {import('./actions.js').Actions} actions
 * @param {Page} page
 */
export function modelOf(session, actions, page) {
  const { isOpen, isSlow, filters, zone, localZone, rangeProblem, retentionDay, isClamped, scopes, list, linked, expanded } = session;
  const { announcement, toast } = actions;
  return {
    ...page,
    now: new Date(),
    isOpen,
    isSlow,
    filters,
    zone,
    localZone,
    rangeProblem,
    retentionDay,
    isClamped,
    scopes,
    list: /** @type {Readonly<import('./activity-list.js').ActivityList>} */ (list),
    linked,
    expanded,
    imports: session.imports,
    unfolded: session.unfolded,
    isEndFolded: session.isEndFolded,
    personOf: (/** @type {string} */ ref) => session.persons.of(ref),
    announcement,
    toast,
  };
}

/**
 * What *draw* makes of the modules that come behind the first lines; *waiting*, until they are there.
 * @param {Model} model
 * @param {(rest: Rest) => unknown} draw
 */
export function withRest({ rest, restFailed, t }, draw, waiting = /** @type {unknown} */ ('')) {
  if (rest) return draw(rest);
  return restFailed ? html`<p class="hint problem">${t.text('rest.failed')}</p>` : waiting;
}

/** The period in words. @param {Model} model */
export function periodName({ t, filters: { range, from, to } }) {
  if (range === SINCE) return t.text('range.since', { from: t.dateTime(new Date(from)) });
  if (range !== 'custom') return t.text(`range.${range}`);
  if (from && from === to) return t.day(from);
  if (from && to) return t.text('range.from_to', { from: t.moment(from), to: t.moment(to) });
  if (from) return t.text('range.from', { from: t.moment(from) });
  return to ? t.text('range.to', { to: t.moment(to) }) : t.text('range.12m');
}

/** The first and the last day of the period; the first may not be known yet. @param {Model} model */
function shownDays({ now, zone, filters, retentionDay }) {
  const { first, last } = daysOf(filters, now, zone);
  return [first || retentionDay, last || dayOf(now, zone)];
}

/** "Europe/Paris, UTC+1/+2": a zone and how far its clocks are ahead in the period. @param {Model} model @param {string} zone */
export function zoneText(model, zone) {
  const [from, until] = shownDays(model);
  return zone === 'UTC' ? zone : `${zone.replaceAll('_', ' ')}, ${offsetsLabel(from || until, until, zone)}`;
}

/** The period as days or minutes, and the zone that its days begin in. @param {Model} model */
export function periodTexts(model) {
  const { t, zone, filters } = model;
  if (filters.range === 'custom' && isMinute(filters.from + filters.to)) return [periodName(model), zoneText(model, zone)];
  const [from, until] = shownDays(model);
  const days = from ? t.text('range.from_to', { from: t.day(from), to: t.day(until) }) : periodName(model);
  return [from === until ? t.day(until) : days, zoneText(model, zone)];
}
