// The line that a link leads to, above the others.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';
import { errorState } from './messages.js';
import { activityTable } from './table.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 */

/** @param {Model} model @param {Actions} act */
export function linkedLine(model, act) {
  const { t, linked } = model;
  if (!linked?.line && !linked?.error) return '';
  return html`<section class="linked" aria-labelledby="linked">
    <div class="head">
      <h3 id="linked">${t.text('list.linked')}</h3>
      <button type="button" class="square" aria-label=${t.text('list.linked_close')} @click=${() => act.closeLinked()}>
        ${ICONS.close}
      </button>
    </div>
    ${linked.line
      ? activityTable(model, act, [linked.line], t.text('list.linked'))
      : linked.error && errorState(model, act, linked.error, { isBeside: true })}
  </section>`;
}
