// Activities a day, as bars. Dragging over days chooses them; the date fields do the same without a pointer.
import { html, svg } from './vendor/lit-html/lit-html.js';

const HEIGHT = 56;
const SLOT = 10;

/**
 * @param {import('./user-management-log.js').UserManagementLog} panel
 * @param {{day: string, total: number}[]} days
 */
export function histogram(panel, days) {
  const { t } = panel;
  const total = days.reduce((sum, { total: count }) => sum + count, 0);
  // While it is counted the place is kept: what stands below must not jump.
  if (!total && panel.list.isCounting && !panel.list.error) return html`<div class="histogram"></div>`;
  if (days.length < 2 || !total) return '';
  const busiest = days.reduce((most, one) => (one.total > most.total ? one : most));
  const [first, last] = [days[0].day, days[days.length - 1].day];
  const label = t.plural('histogram.label', total, {
    from: t.day(first),
    to: t.day(last),
    day: t.day(busiest.day),
    most: t.plural('list.count', busiest.total),
  });
  const marked = (index) => panel.drag && index >= Math.min(...panel.drag) && index <= Math.max(...panel.drag);
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
      @pointerdown=${(event) => event.isPrimary && panel.setDrag([indexAt(event, days), indexAt(event, days)])}
      @pointermove=${(event) => panel.drag && panel.setDrag([panel.drag[0], indexAt(event, days)])}
      @pointerup=${() => choose(panel, days)}
      @pointerleave=${() => panel.setDrag(null)}
      @pointercancel=${() => panel.setDrag(null)}
    >
      ${bars}
    </svg>
    <div class="axis" aria-hidden="true"><span>${t.day(first)}</span><span>${t.day(last)}</span></div>
  </div>`;
}

/** @param {PointerEvent} event @param {unknown[]} days */
function indexAt(event, days) {
  const box = /** @type {Element} */ (event.currentTarget).getBoundingClientRect();
  const index = Math.floor(((event.clientX - box.left) / box.width) * days.length);
  return Math.min(days.length - 1, Math.max(0, index));
}

/**
 * @param {import('./user-management-log.js').UserManagementLog} panel
 * @param {{day: string}[]} days
 */
function choose(panel, days) {
  if (!panel.drag) return;
  const [from, to] = [Math.min(...panel.drag), Math.max(...panel.drag)].map((index) => days[index].day);
  panel.setDrag(null);
  panel.setFilters({ ...panel.filters, range: 'custom', from, to });
}
