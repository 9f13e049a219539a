// The chips: one for each filter that is active, with a way to be rid of it.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';
import { isolated } from './i18n.js';
import { nameOf } from './person.js';
import { chipsOf, isFiltered, withoutChip } from './state.js';

/**
 * @typedef {import('./user-management-log.js').UserManagementLog} Panel
 * @typedef {import('./state.js').Chip} Chip
 */

/** @param {Panel} panel */
export function chipBar(panel) {
  const { t, filters } = panel;
  const isUsual = !isFiltered(filters) && filters.range === '30d';
  return html`<ul class="chips" aria-label=${t.text('chips.label')}>
    ${chipsOf(filters).map((chip) => html`<li>${chipTemplate(panel, chip)}</li>`)}
    ${isUsual
      ? ''
      : html`<li><button type="button" class="quiet" @click=${() => panel.clearFilters()}>${t.text('chips.clear')}</button></li>`}
  </ul>`;
}

/** @param {Panel} panel @param {Chip} chip */
function chipTemplate(panel, chip) {
  const { t } = panel;
  const { label, value } = chipWords(panel, chip);
  const canGo = chip.name !== 'range' || panel.filters.range !== '12m';
  const name = t.text('chips.remove', { filter: `${label}: ${isolated(value)}` });
  return html`<span class="chip" part="chip">
    <span>${label}: <bdi class="value">${value}</bdi></span>
    ${canGo
      ? html`<button type="button" aria-label=${name} @click=${() => panel.removeChip(withoutChip(panel.filters, chip))}>
          ${ICONS.close}
        </button>`
      : ''}
  </span>`;
}

/** @param {Panel} panel @param {Chip} chip @returns {{label: string, value: string}} */
export function chipWords(panel, { name, value }) {
  const { t } = panel;
  if (name === 'range') return { label: t.text('filter.period'), value: panel.periodName() };
  if (name === 'activityTypes') return { label: t.text('filter.activity_type'), value: t.text(`activity.${value}`) };
  if (name === 'channels') return { label: t.text('filter.channel'), value: t.text(`channel.${value}`) };
  if (name === 'imports') return { label: t.text('filter.import'), value: value.slice(0, 8) };
  const person = panel.people.of(value);
  const label = t.text(name === 'admins' ? 'filter.admin' : 'filter.affected_user');
  return { label, value: person ? nameOf(person, t) : `${t.text('person.unknown')} ${value.slice(0, 8)}` };
}
