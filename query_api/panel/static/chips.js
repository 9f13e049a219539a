// The chips: one for each filter that is active, with a way to be rid of it.
import { html } from './vendor/lit-html/lit-html.js';
import { chipsOf, withoutChip } from './choices.js';
import { ICONS } from './icons.js';
import { isolated } from './i18n.js';
import { menusOf } from './menus.js';
import { periodName } from './model.js';
import { handleOf, nameOf } from './person.js';
import { cleared, idIn, isFiltered, isUsual } from './state.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {import('./choices.js').Chip} Chip
 */

/** @param {Model} model @param {Actions} act */
export function chipBar(model, act) {
  const { t, filters } = model;
  // The usual period alone is said above already.
  return html`<ul class="chips" ?hidden=${isUsual(filters)} aria-label=${t.text('chips.label')}>
    ${chipsOf(filters).map((chip) => html`<li>${chipTemplate(model, act, chip)}</li>`)}
    ${isFiltered(filters)
      ? html`<li><button type="button" class="quiet" @click=${() => clearFilters(act)}>${t.text('chips.clear')}</button></li>`
      : ''}
  </ul>`;
}

/** @param {Model} model @param {Actions} act @param {Chip} chip */
function chipTemplate(model, act, chip) {
  const { t, filters } = model;
  const { label, value } = chipWords(model, chip);
  const canGo = chip.name !== 'range' || filters.range !== '12m';
  const name = t.text('chips.remove', { filter: labeled(t, label, isolated(value)) });
  return html`<span class="chip" part="chip">
    <span>${t.text('label', { label })} <bdi class="value" title=${value}>${value}</bdi></span>
    ${canGo
      ? html`<button type="button" aria-label=${name} @click=${() => removeChip(act, chip)}>
          ${ICONS.close}
        </button>`
      : ''}
  </span>`;
}

/** Be rid of all chips but the period's. @param {Actions} act */
export function clearFilters(act) {
  menusOf(act).resetPickers();
  act.setFilters(cleared(act.filters));
}

/** @param {Actions} act @param {Chip} chip */
export function removeChip(act, chip) {
  act.setFilters(withoutChip(act.filters, chip, menusOf(act).periodBefore));
  // The next chip takes its place, unless no chip is shown any more.
  if (isUsual(act.filters)) act.focusOn('#title');
}

/** "Channel: API". @param {Model['t']} t @param {string} label @param {string} value */
export function labeled(t, label, value) {
  return `${t.text('label', { label })} ${value}`;
}

/** @param {Model} model @param {Chip} chip @returns {{label: string, value: string}} */
export function chipWords(model, { name, value }) {
  const { t } = model;
  if (name === 'range') return { label: t.text('filter.period'), value: periodName(model) };
  if (name === 'activityTypes') return { label: t.text('filter.activity'), value: t.text(`activity.${value}`) };
  if (name === 'channels') return { label: t.text('filter.channel'), value: t.text(`channel.${value}`) };
  if (name === 'licenses') return { label: t.text('filter.license'), value };
  if (name === 'adminRights') return { label: t.text('column.change'), value: t.text(`change.${value}`) };
  if (name === 'imports') return { label: t.text('filter.import'), value: value.slice(0, 8) };
  const [person, id] = [model.personOf(value), idIn(value)];
  const label = t.text(name === 'admins' ? 'filter.admin' : 'filter.affected_user');
  if (person) return { label, value: `${nameOf(person, t)} ${handleOf(person)}`.trim() };
  const unknown = t.text('person.unknown');
  // Whoever may not read the log, or no longer, sees no id in it either.
  if (id) return { label, value: model.list.error?.isRefusal ? unknown : id };
  return { label, value: `${unknown} ${value.slice(0, 8)}` };
}
