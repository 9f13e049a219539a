// Activities a day, as bars. Dragging over days chooses them; the date fields do the same without a pointer.
import { html, svg } from './vendor/lit-html/lit-html.js';

/** @typedef {import('./actions.js').Actions} Actions */

const HEIGHT = 56;
const SLOT = 10;

/**
 * @param {import('./model.js').Model} model
 * @param {Actions} act
 * @param {{day: string, total: number}[]} days
 */
export function histogram(model, act, days) {
  const { t, list, drag } = model;
  const total = days.reduce((sum, { total: count }) => sum + count, 0);
  // While it is counted the place is kept: what stands below must not jump.
  if (!total && list.isCounting && !list.error) return html`<div class="histogram"></div>`;
  if (days.length < 2 || !total) return '';
  const busiest = days.reduce((most, one) => (one.total > most.total ? one : most));
  const [first, last] = [days[0].day, days[days.length - 1].day];
  const label = t.plural('histogram.label', total, {
    from: t.day(first),
    to: t.day(last),
    day: t.day(busiest.day),
    most: t.plural('list.count', busiest.total),
  });
  const marked = (/** @type {number} */ index) => drag && index >= Math.min(...drag) && index <= Math.max(...drag);
  const bars = days.map(({ day, total: count }, index) => {
    const height = count ? Math.max(2, (count / busiest.total) * (HEIGHT - 4)) : 0;
    return svg`<g ?data-marked=${marked(index)}>
      <title>${t.text('histogram.day', { day: t.day(day), count: t.plural('list.count', count) })}</title>
      <rect class="slot" x=${index * SLOT} y="0" width=${SLOT} height=${HEIGHT}></rect>
      <rect class="bar" x=${index * SLOT + 1} y=${HEIGHT - height} width=${SLOT - 2} height=${height} rx="1"></rect>
    </g>`;
  });
  return html`<div class="histogram">
    <svg
      role="img"
      aria-label=${label}
      viewBox=${`0 0 ${days.length * SLOT} ${HEIGHT}`}
      preserveAspectRatio="none"
      @pointerdown=${(/** @type {PointerEvent} */ event) => begin(act, event, days)}
      @pointermove=${(/** @type {PointerEvent} */ event) => act.drag && act.setDrag([act.drag[0], indexAt(event, days)])}
      @pointerup=${() => choose(act, days)}
      @pointercancel=${() => act.setDrag(null)}
    >
      ${bars}
    </svg>
    <div class="axis" aria-hidden="true"><span>${t.day(first)}</span><span>${t.day(last)}</span></div>
  </div>`;
}

/** A drag that leaves the chart goes on: its end counts, wherever that is. @param {Actions} act @param {PointerEvent} event @param {unknown[]} days */
function begin(act, event, days) {
  if (!event.isPrimary || event.button !== 0) return;
  const chart = /** @type {Element} */ (event.currentTarget);
  chart.setPointerCapture(event.pointerId);
  act.setDrag([indexAt(event, days), indexAt(event, days)]);
}

/** @param {PointerEvent} event @param {unknown[]} days */
function indexAt(event, days) {
  const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
  const index = Math.floor(((event.clientX - box.left) / box.width) * days.length);
  return Math.min(days.length - 1, Math.max(0, index));
}

/** @param {Actions} act @param {{day: string}[]} days */
function choose(act, days) {
  if (!act.drag) return;
  const [from, to] = [Math.min(...act.drag), Math.max(...act.drag)].map((index) => days[index].day);
  act.setDrag(null);
  act.changeFilters({ range: 'custom', from, to });
}
