// The drawer's content, from top to bottom.
import { html } from './vendor/lit-html/lit-html.js';
import { LARGE_PAGE_SIZE, MAX_SHOWN, PAGE_SIZE } from './activity-list.js';
import { ICONS } from './icons.js';
import { errorState, skeleton } from './messages.js';
import { withRest } from './model.js';
import { isUsual } from './state.js';
import { activityTable } from './table.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 */

/** What the panel needs and browsers have since 2024. */
const IS_SUPPORTED = 'any' in AbortSignal && CSS.supports('color', 'light-dark(#000, #fff)') && CSS.supports('selector(:has(a))');

/** @param {Model} model @param {Actions} act */
export function content(model, act) {
  const { list } = model;
  if (!IS_SUPPORTED) return html`<p class="hint problem">${model.t.text('error.browser')}</p>`;
  return html`${withRest(model, (rest) => [rest.filterBar, rest.chipBar, rest.linkedLine, rest.histogram].map((part) => part(model, act)), places(model))}
    <div class="summary">
      <p role="status" id="count">${countText(model)}</p>
      ${model.toast ? html`<p aria-hidden="true" class="second">${model.toast}</p>` : ''}
      ${list.newCount
        ? html`<button type="button" class="primary" id="new" @click=${() => act.showNew()}>
            ${ICONS.refresh}${newText(model)}
          </button>`
        : ''}
    </div>
    <div class="frame" ?data-stale=${Boolean(list.error) && list.isOfOthers} aria-busy=${list.phase === 'loading' || list.phase === 'more'}>${lines(model, act)}</div>`;
}

/** What is kept free for that which stands above the lines. @param {Model} model */
function places({ filters }) {
  return html`<div class="filters-waiting"></div>
    ${isUsual(filters) ? '' : html`<div class="chips-waiting"></div>`}
    <div class="counts-waiting"></div>`;
}

/** @param {Model} model @param {Actions} act */
function lines(model, act) {
  const { t, list } = model;
  if (!list.lines.length) {
    if (list.error) return errorState(model, act, list.error, { isBeside: false });
    if (list.phase === 'ready') return withRest(model, ({ emptyState }) => emptyState(model, act));
    return model.isSlow ? skeleton(model) : '';
  }
  // An error stands where the hand is.
  const error = list.error && errorState(model, act, list.error, { isBeside: true, stale: list.isOfOthers ? 'error.previous' : 'error.stale' });
  const isBelow = list.failedIn === 'more';
  return html`${isBelow ? '' : error} ${activityTable(model, act, list.lines, t.text('list.caption'), { isByDay: true })}
    ${isBelow ? error : ''} ${more(model, act)}`;
}

/** @param {Model} model @param {Actions} act */
function more({ t, list, isEndFolded }, act) {
  if (list.canLoadMore) {
    return html`<div class="more">
      <button type="button" id="more" aria-disabled=${!list.isSettled} @click=${() => act.loadMore()}>
        ${list.phase === 'more' ? t.text('list.loading') : t.text('list.more', { count: t.number(isEndFolded ? LARGE_PAGE_SIZE : PAGE_SIZE) })}
      </button>
    </div>`;
  }
  return list.cursor ? html`<p class="more">${t.text('list.limit', { count: t.number(MAX_SHOWN) })}</p>` : '';
}

/** @param {Model} model */
function countText({ t, list, isSlow }) {
  if (list.phase === 'loading' && isSlow) return t.text('list.loading');
  // Said once, when both numbers are known.
  if (!list.lines.length || (list.isCounting && !list.error)) return '';
  const shown = list.lines.length;
  if (!list.stats || list.isCounting) return t.plural('list.shown_alone', shown);
  // Lines that are counted but wait behind the button are part of the total.
  const total = t.plural('list.count', Math.max(list.stats.total, shown));
  return list.stats.total > shown ? t.text('list.shown', { total, shown: t.number(shown) }) : total;
}

/** How many lines are new. @param {Pick<Model, 't'|'list'>} model */
export function newText({ t, list: { newCount, newCountIsExact } }) {
  return newCountIsExact ? t.plural('list.new', newCount) : t.text('list.new_at_least', { count: t.number(newCount) });
}
