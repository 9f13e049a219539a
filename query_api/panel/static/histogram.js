// Activities over time, as bars of activity types. What is marked, by pointer or by keys, becomes the period.
import { html, svg } from './vendor/lit-html/lit-html.js';
import { barsOf, together, topOf } from './bars.js';
import { labeled, removeChip } from './chips.js';
import { withoutChip } from './choices.js';
import { menusOf } from './menus.js';
import { ACTIVITY_TYPES } from './state.js';
import { daysOf, minuteOf } from './time.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {import('./i18n.js').Translator} Translator
 * @typedef {import('./bars.js').Bar} Bar
 *
 * @typedef {object} State What the reader does on one chart; another chart begins without it.
 * @property {string} of
 * @property {Bar[]} bars
 * @property {[number, number]|null} marked The first and the last bar.
 * @property {number} pointed The bar that is told of, or -1.
 * @property {number} origin Where a pointer went down, or -1.
 *
 * @typedef {{act: Actions, t: Translator, bars: Bar[], state: State, period: {from: string, to: string}}} Chart *period*: of custom dates, or empty.
 */

const HEIGHT = 46;
/** Above the highest bar; more where a number stands there. */
const [ROOM, NUMBER_ROOM] = [4, 15];
const AXIS = 16;
const PAGE = 7;
const HOUR_MS = 3_600_000;
const MAX_TICKS = 4;
const PERIOD = /** @type {const} */ ({ name: 'range', value: '' });

/** @type {WeakMap<Actions, State>} */
const states = new WeakMap();

/** @param {Model} model @param {Actions} act */
export function histogram(model, act) {
  const { t, list, filters } = model;
  const isWaiting = list.isCounting && !list.error;
  const bars = isWaiting ? barsBefore(model, act) : barsNow(model);
  const isWorthIt = bars.length > 1 && (filters.range === 'custom' || bars.some(({ total }) => total));
  // While it is counted the place is kept: what stands below must not jump.
  const isCustom = filters.range === 'custom';
  // Of one hour there is nothing to draw, and still a way back.
  if (!isWorthIt) {
    const isHour = isCustom && !isWaiting && bars.length === 1;
    return isWaiting || isHour ? html`<div class="histogram">${isHour ? back(model, act) : ''}</div>` : '';
  }
  const chart = { act, t, bars, state: stateOf(act, bars), period: isCustom ? filters : { from: '', to: '' } };
  return html`<div class="histogram" ?data-stale=${isWaiting}>
    <div class="plot" @pointerleave=${() => tellOf(chart, -1)} @focusout=${(/** @type {FocusEvent} */ event) => leave(chart, event)}>
      <div
        class="area"
        @pointerdown=${(/** @type {PointerEvent} */ event) => begin(chart, event)}
        @pointermove=${(/** @type {PointerEvent} */ event) => move(chart, indexAt(event, bars))}
        @pointerup=${() => end(chart)}
        @pointercancel=${() => mark(chart, null)}
      >
        ${drawing(chart)} ${[0, 1].map((side) => handle(chart, side))}
      </div>
      ${tip(chart)}
    </div>
    ${isCustom ? back(model, act) : ''}
  </div>`;
}

/** @param {Model} model */
function barsNow({ list, filters, zone, now }) {
  return list.stats && !list.isOfOthers ? barsOf(list.stats, daysOf(filters, now, zone), zone, now) : [];
}

/** Those of the filters before, unless these are to be forgotten. @param {Model} model @param {Actions} act */
function barsBefore({ list }, act) {
  return (list.stats && states.get(act)?.bars) || [];
}

/** @param {Actions} act @param {Bar[]} bars */
function stateOf(act, bars) {
  const of = `${keyOf(bars[0])} ${keyOf(bars[bars.length - 1])} ${bars.length}`;
  const known = states.get(act);
  if (known?.of === of) return Object.assign(known, { bars });
  const state = /** @type {State} */ ({ of, bars, marked: null, pointed: -1, origin: -1 });
  states.set(act, state);
  return state;
}

/** @param {Bar} bar */
const keyOf = ({ first, start }) => start?.toISOString() ?? first;

/** @param {Chart} chart */
function drawing(chart) {
  const { t, bars } = chart;
  const [width, top] = [100 / bars.length, topOf(bars)];
  const high = HEIGHT - (bars.some(({ total }) => total > top) ? NUMBER_ROOM : ROOM);
  return html`<svg role="img" aria-label=${label(chart)}>
    ${bars.map((bar, index) => svg`<g ?data-marked=${isMarkedBar(chart, index)} ?data-pointed=${index === chart.state.pointed}>
      <rect class="slot" x=${`${index * width}%`} y="0" width=${`${width}%`} height=${HEIGHT}></rect>
      ${stack(bar, top, high).map(({ type, y, height }) => svg`<rect class="bar" data-type=${type}
        x=${`${(index + 0.1) * width}%`} y=${y} width=${`${0.8 * width}%`} height=${height}></rect>`)}
      ${bar.total > top ? cut(index, bars.length, t.number(bar.total)) : ''}
    </g>`)}
    ${ticksOf(bars).map(({ index, anchor }) => svg`<text class="tick" text-anchor=${anchor} y=${HEIGHT + AXIS - 3}
      x=${`${anchor === 'end' ? 100 : index * width}%`}>${tickName(chart, bars[index], anchor === 'end')}</text>`)}
  </svg>`;
}

/** The number of a bar that is higher than the chart. @param {number} index @param {number} count @param {string} number */
function cut(index, count, number) {
  const [anchor, place] = index === 0 ? ['start', 0] : index === count - 1 ? ['end', 100] : ['middle', ((index + 0.5) * 100) / count];
  return svg`<text class="cut" y="11" text-anchor=${anchor} x=${`${place}%`}>${number}</text>`;
}

/** One rectangle for each activity type of *bar*, from below. @param {Bar} bar @param {number} top @param {number} high Of *top*, in pixels. */
function stack({ total, types }, top, high) {
  if (!total) return [];
  const full = Math.max(2, (Math.min(total, top) / top) * high);
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
  const parts = Math.min(MAX_TICKS, bars.length) - 1;
  const between = Array.from({ length: parts - 1 }, (_, part) => ({ index: Math.floor((bars.length * (part + 1)) / parts), anchor: 'middle' }));
  return [{ index: 0, anchor: 'start' }, ...between, { index: bars.length - 1, anchor: 'end' }];
}

// ---- Words ----

/** @param {Chart} chart */
function label({ t, bars }) {
  const all = together(bars);
  const busiest = bars.reduce((most, one) => (one.total > most.total ? one : most));
  const most = t.plural('list.count', busiest.total);
  return t.plural('histogram.label', all.total, { from: t.day(all.first), to: t.day(all.last), bar: nameOfBar(t, busiest), most });
}

/** @param {Translator} t @param {Bar} bar */
function nameOfBar(t, { first, last, start }) {
  if (start) return clock(t, start, { weekday: 'short', day: 'numeric', month: 'short', timeZoneName: 'shortOffset' });
  return first === last ? t.weekday(first) : t.text('range.from_to', { from: t.day(first), to: t.day(last) });
}

/** Bars beside each other. @param {Translator} t @param {Bar[]} bars */
function spanName(t, bars) {
  const [first, last] = [bars[0], bars[bars.length - 1]];
  if (!last.start) return nameOfBar(t, together(bars));
  return t.text('range.from_to', { from: nameOfBar(t, first), to: clock(t, new Date(last.start.getTime() + HOUR_MS), {}) });
}

/** Of two days, hours say which. @param {Chart} chart @param {Bar} bar @param {boolean} isEnd */
function tickName({ t, bars }, { first, last, start }, isEnd) {
  const isOneDay = bars[0].first === bars[bars.length - 1].last;
  return start ? clock(t, start, isOneDay ? {} : { weekday: 'short' }) : t.day(isEnd ? last : first);
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const timeFormats = new Map();

/** "Sun 25 Oct, 02:00 UTC+2": no hour is told twice. @param {Translator} t @param {Date} instant @param {Intl.DateTimeFormatOptions} more */
function clock({ locale, zone }, instant, more) {
  const key = [locale, zone, ...Object.keys(more)].join();
  const format = timeFormats.get(key) ?? new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', timeZone: zone, ...more });
  timeFormats.set(key, format);
  return format.format(instant).replace('GMT', 'UTC');
}

/** "User created: 3". @param {Translator} t @param {Bar} bar */
function typeTexts(t, { types }) {
  return ACTIVITY_TYPES.filter((type) => types[type]).map((type) => ({ type, text: labeled(t, t.text(`activity.${type}`), t.number(types[type])) }));
}

/** Of the bar that is pointed at, and of all that are marked. @param {Chart} chart */
function tip({ t, bars, state: { pointed, marked } }) {
  const bar = bars[pointed];
  if (!bar) return '';
  const place = ((pointed + 0.5) * 100) / bars.length;
  const chosen = marked ? bars.slice(Math.min(...marked), Math.max(...marked) + 1) : [];
  const all = chosen.length > 1 && together(chosen);
  return html`<div class="tip" aria-hidden="true" .style=${`left: ${place}%; transform: translateX(-${place}%)`}>
    <strong>${nameOfBar(t, bar)}</strong> <span>${t.plural('list.count', bar.total)}</span>
    ${typeTexts(t, bar).map(({ type, text }) => html`<span class="type" data-type=${type}>${text}</span>`)}
    ${all && all.total !== bar.total
      ? html`<span class="marked">${spanName(t, chosen)} <strong>${t.plural('list.count', all.total)}</strong></span>`
      : ''}
  </div>`;
}

// ---- By pointer ----

/**
 * A drag that leaves the chart goes on: its end counts, wherever that is.
 * @param {Chart} chart
 * @param {PointerEvent} event
 */
function begin(chart, event) {
  if (!event.isPrimary || event.button !== 0) return;
  const area = /** @type {Element} */ (event.currentTarget);
  area.setPointerCapture(event.pointerId);
  chart.state.origin = indexAt(event, chart.bars);
  move(chart, chart.state.origin);
}

/** @param {Chart} chart @param {number} index */
function move(chart, index) {
  const { state } = chart;
  if (state.origin >= 0) mark(chart, [state.origin, index]);
  tellOf(chart, index);
}

/** @param {Chart} chart */
function end(chart) {
  if (chart.state.origin < 0) return;
  chart.state.origin = -1;
  chooseBars(chart);
}

/** @param {PointerEvent} event @param {unknown[]} bars */
function indexAt(event, bars) {
  const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
  const index = Math.floor(((event.clientX - box.left) / box.width) * bars.length);
  return Math.min(bars.length - 1, Math.max(0, index));
}

/** @param {Chart} chart @param {number} index */
function tellOf({ act, state }, index) {
  if (index === state.pointed) return;
  state.pointed = index;
  act.update();
}

// ---- By keys ----

/**
 * One edge of what is marked.
 * @param {Chart} chart
 * @param {number} side 0 for the first bar, 1 for the last.
 */
function handle(chart, side) {
  const { t, bars, state } = chart;
  const [index, least, most] = sliderOf(chart, side);
  const bar = bars[index];
  const words = [nameOfBar(t, bar), t.plural('list.count', bar.total), ...typeTexts(t, bar).map(({ text }) => text)];
  return html`<div
    role="slider"
    class="handle"
    tabindex="0"
    aria-label=${t.text(['histogram.start', 'histogram.end'][side])}
    aria-description=${t.text('histogram.hint')}
    aria-valuemin=${least}
    aria-valuemax=${most}
    aria-valuenow=${index}
    aria-valuetext=${words.join(', ')}
    .style=${`left: ${((index + side) * 100) / bars.length}%`}
    @focus=${() => state.origin < 0 && tellOf(chart, index)}
    @keydown=${(/** @type {KeyboardEvent} */ event) => onSliderKey(chart, side, event)}
  ></div>`;
}

/** Where an edge stands, and how far it can go. @param {Chart} chart @param {number} side */
function sliderOf({ bars, state }, side) {
  const last = bars.length - 1;
  const [from, to] = state.marked ? [Math.min(...state.marked), Math.max(...state.marked)] : [0, last];
  return side ? [to, from, last] : [from, 0, to];
}

/** @param {Chart} chart @param {number} side @param {KeyboardEvent} event */
function onSliderKey(chart, side, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { state } = chart;
  const [index, least, most] = sliderOf(chart, side);
  /** @type {Record<string, number>} */
  const places = {
    ArrowLeft: index - 1,
    ArrowDown: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index + 1,
    PageDown: index - PAGE,
    PageUp: index + PAGE,
    Home: least,
    End: most,
  };
  if (event.key in places) {
    const next = Math.min(most, Math.max(least, places[event.key]));
    mark(chart, side ? [least, next] : [next, most]);
    tellOf(chart, next);
  } else if (event.key === 'Enter' && state.marked) {
    chooseBars(chart);
    // The other edge may not be there any more.
    chart.act.focusOn('.handle');
  } else if (event.key === 'Escape' && (state.marked || state.pointed >= 0)) {
    mark(chart, null);
    tellOf(chart, -1);
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** @param {Chart} chart @param {FocusEvent} event */
function leave(chart, { currentTarget, relatedTarget }) {
  if (/** @type {Element} */ (currentTarget).contains(/** @type {Node|null} */ (relatedTarget)) || chart.state.origin >= 0) return;
  mark(chart, null);
  tellOf(chart, -1);
}

// ---- What is marked ----

/** @param {Chart} chart @param {number} index */
function isMarkedBar({ state: { marked } }, index) {
  return marked !== null && index >= Math.min(...marked) && index <= Math.max(...marked);
}

/** @param {Chart} chart @param {[number, number]|null} marked */
function mark({ act, state }, marked) {
  if (!marked) state.origin = -1;
  if (marked?.join() === state.marked?.join()) return;
  state.marked = marked;
  act.update();
}

/** What is marked becomes the period, unless that is all of it. @param {Chart} chart */
function chooseBars(chart) {
  const { act, bars, state } = chart;
  if (!state.marked) return;
  const [first, last] = [Math.min(...state.marked), Math.max(...state.marked)];
  mark(chart, null);
  tellOf(chart, -1);
  if (first > 0 || last < bars.length - 1) act.changeFilters({ range: 'custom', ...spanOf(chart, first, last) });
}

/**
 * Where bars begin and end. The outer edges are those of the period. Of an hour that the clocks repeat, both are meant.
 * @param {Chart} chart
 * @param {number} first
 * @param {number} last
 */
function spanOf({ t, bars, period }, first, last) {
  const minutes = bars.map(({ start }) => start && minuteOf(start, t.zone));
  const until = minutes.find((minute, index) => index > last && minute && minute > String(minutes[last]));
  return {
    from: (!first && period.from) || (first && minutes[first]) || bars[first].first,
    to: (last === bars.length - 1 && period.to) || until || bars[last].last,
  };
}

/** @param {Model} model @param {Actions} act */
function back({ t, filters }, act) {
  const { range } = withoutChip(filters, PERIOD, menusOf(act).periodBefore);
  return html`<button type="button" class="quiet" id="back" @click=${() => removeChip(act, PERIOD)}>
    ${t.text('histogram.back', { period: t.text(`range.${range}`) })}
  </button>`;
}
