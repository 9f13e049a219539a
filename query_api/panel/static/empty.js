// What stands where lines would when there are none: why, and ways to find some.
import { html } from './vendor/lit-html/lit-html.js';
import { chipWords, clearFilters, labeled } from './chips.js';
import { chipsOf } from './choices.js';
import { isolated } from './i18n.js';
import { REST_ICONS } from './icons-rest.js';
import { DELETED_REF, isFiltered } from './state.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 */

/** @param {Model} model @param {Actions} act */
export function emptyState(model, act) {
  const { t, filters } = model;
  const filtered = isFiltered(filters);
  const erased = chipsOf(filters).find(({ value }) => act.session.persons.isErased(value));
  const kind = erased ? 'erased' : filtered ? 'filtered' : filters.range === '12m' ? 'ever' : 'range';
  const names = chipsOf(filters)
    .map((chip) => chipWords(model, chip))
    .map(({ label, value }) => labeled(t, label, isolated(value)));
  return html`<div class="state">
    ${REST_ICONS.empty}
    <h3>${t.text(`empty.${kind}.title`)}</h3>
    <p>${t.text(`empty.${kind}.text`, { filters: new Intl.ListFormat(t.locale).format(names), deleted: t.text('person.deleted') })}</p>
    <div class="actions">
      ${erased
        ? html`<button type="button" class="primary" @click=${() => act.changeFilters({ [erased.name]: [DELETED_REF] })}>
            ${t.text('empty.deleted')}
          </button>`
        : ''}
      ${filtered ? html`<button type="button" @click=${() => clearFilters(act)}>${t.text('empty.clear')}</button>` : ''}
      ${filters.range === '12m' || erased
        ? ''
        : html`<button type="button" class="primary" @click=${() => act.changeFilters({ range: '12m', from: '', to: '' })}>
            ${t.text('empty.widen')}
          </button>`}
    </div>
  </div>`;
}
