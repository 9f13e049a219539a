// Activities over time, as bars of activity types. Dragging over bars chooses their days; the date fields do the same
// without a pointer.
import { html, svg } from './vendor/lit-html/lit-html.js';
import { ACTIVITY_TYPES } from './state.js';
import { addDays } from './time.js';

/**
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {{day: string, total: number, types: Record<string, number>}} Day
 * @typedef {Day & {last: string}} Bar From *day* to *last*.
 */

const HEIGHT = 46;
const AXIS = 16;
const MAX_DAY_BARS = 120;
const WEEK = 7;

/**
 * @param {import('./model.js').Model} model
 * @param {Actions} act
 * @param {Day[]} days
 */
export function histogram(model, act, days) {
  const { t, list, drag } = model;
  const total = days.reduce((sum, { total: count }) => sum + count, 0);
  // While it is counted the place is kept: what stands below must not jump.
  if (!total && list.isCounting && !list.error) return html`<div class="histogram"></div>`;
  if (days.length < 2 || !total) return '';
  const busiest = days.reduce((most, one) => (one.total > most.total ? one : most));
  const label = t.plural('histogram.label', total, {
    from: t.day(days[0].day),
    to: t.day(days[days.length - 1].day),
    day: t.day(busiest.day),
    most: t.plural('list.count', busiest.total),
  });
  const bars = barsOf(days);
  const width = 100 / bars.length;
  const top = topOf(bars);
  const isMarked = (/** @type {number} */ index) => drag && index >= Math.min(...drag) && index <= Math.max(...drag);
  return html`<div class="histogram">
    <svg
      role="img"
      aria-label=${label}
      @pointerdown=${(/** @type {PointerEvent} */ event) => begin(act, event, bars)}
      @pointermove=${(/** @type {PointerEvent} */ event) => act.drag && act.setDrag([act.drag[0], indexAt(event, bars)])}
      @pointerup=${() => choose(act, bars)}
      @pointercancel=${() => act.setDrag(null)}
    >
      ${bars.map((bar, index) => svg`<g ?data-marked=${isMarked(index)}>
        <title>${t.text('histogram.day', { day: nameOf(bar, t), count: t.plural('list.count', bar.total) })}</title>
        <rect class="slot" x=${`${index * width}%`} y="0" width=${`${width}%`} height=${HEIGHT}></rect>
        ${stack(bar, top).map(({ type, y, height }) => svg`<rect class="bar" data-type=${type}
          x=${`${(index + 0.1) * width}%`} y=${y} width=${`${0.8 * width}%`} height=${height}></rect>`)}
        ${bar.total > top ? svg`<text class="cut" y="11"
          text-anchor=${index ? (index === bars.length - 1 ? 'end' : 'middle') : 'start'}
          x=${`${index ? (index === bars.length - 1 ? 100 : (index + 0.5) * width) : 0}%`}>${t.number(bar.total)}</text>` : ''}
      </g>`)}
      ${ticksOf(bars).map(({ index, anchor }) => svg`<text class="tick" text-anchor=${anchor} y=${HEIGHT + AXIS - 3}
        x=${`${anchor === 'end' ? 100 : index * width}%`}>${t.day(anchor === 'end' ? bars[index].last : bars[index].day)}</text>`)}
    </svg>
  </div>`;
}

/** Days, or weeks where there would be too many days. @param {Day[]} days @returns {Bar[]} */
function barsOf(days) {
  if (days.length <= MAX_DAY_BARS) return days.map((day) => ({ ...day, last: day.day }));
  /** @type {Bar[]} */
  const weeks = [];
  for (let start = 0; start < days.length; start += WEEK) {
    const week = days.slice(start, start + WEEK);
    /** @type {Record<string, number>} */
    const types = {};
    for (const day of week) for (const [type, count] of Object.entries(day.types)) types[type] = (types[type] ?? 0) + count;
    weeks.push({ day: week[0].day, last: addDays(week[0].day, week.length - 1), total: week.reduce((sum, day) => sum + day.total, 0), types });
  }
  return weeks;
}

/** The count that the chart's full height stands for: one import must not flatten all other days. @param {Bar[]} bars */
function topOf(bars) {
  const busy = bars.map(({ total }) => total).filter(Boolean).toSorted((a, b) => b - a);
  const usual = busy[Math.ceil(busy.length / 10)] ?? busy[0];
  return busy[0] > 3 * usual ? 2 * usual : busy[0];
}

/** One rectangle for each activity type of *bar*, from below. @param {Bar} bar @param {number} top */
function stack({ total, types }, top) {
  if (!total) return [];
  const full = Math.max(2, (Math.min(total, top) / top) * (HEIGHT - 4));
  let y = HEIGHT;
  const known = ACTIVITY_TYPES.filter((type) => types[type]).map((type) => ({ type, count: types[type] }));
  return (known.length ? known : [{ type: '', count: total }]).map(({ type, count }) => {
    const height = (count / total) * full;
    y -= height;
    return { type, y, height };
  });
}

/** The first bar, the end of the last, and some between. @param {Bar[]} bars */
function ticksOf(bars) {
  const between = [1 / 3, 2 / 3].map((part) => ({ index: Math.floor(bars.length * part), anchor: 'middle' }));
  return [{ index: 0, anchor: 'start' }, ...(bars.length > WEEK ? between : []), { index: bars.length - 1, anchor: 'end' }];
}

/** @param {Bar} bar @param {import('./i18n.js').Translator} t */
function nameOf({ day, last }, t) {
  return day === last ? t.day(day) : t.text('range.from_to', { from: t.day(day), to: t.day(last) });
}

/**
 * A drag that leaves the chart goes on: its end counts, wherever that is.
 * @param {Actions} act
 * @param {PointerEvent} event
 * @param {Bar[]} bars
 */
function begin(act, event, bars) {
  if (!event.isPrimary || event.button !== 0) return;
  const chart = /** @type {Element} */ (event.currentTarget);
  chart.setPointerCapture(event.pointerId);
  act.setDrag([indexAt(event, bars), indexAt(event, bars)]);
}

/** @param {PointerEvent} event @param {unknown[]} bars */
function indexAt(event, bars) {
  const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
  const index = Math.floor(((event.clientX - box.left) / box.width) * bars.length);
  return Math.min(bars.length - 1, Math.max(0, index));
}

/** @param {Actions} act @param {Bar[]} bars */
function choose(act, bars) {
  if (!act.drag) return;
  const [from, to] = [bars[Math.min(...act.drag)].day, bars[Math.max(...act.drag)].last];
  act.setDrag(null);
  act.changeFilters({ range: 'custom', from, to });
}
