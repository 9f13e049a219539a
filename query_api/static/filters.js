// The filters, and the chips that say which of them are active.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';
import { isolated } from './i18n.js';
import { nameOf } from './person.js';
import { ACTIVITY_TYPES, CHANNELS, chipsOf, isFiltered, rangeProblem, withoutChip } from './state.js';
import { dayOf, localZone, offsetLabel, RANGES } from './time.js';

/**
 * @typedef {import('./user-management-log.js').UserManagementLog} Panel
 * @typedef {import('./state.js').Chip} Chip
 */

/** @param {Panel} panel */
export function filterBar(panel) {
  const { t, filters } = panel;
  const set = (name) => (event) => panel.setFilters({ ...panel.filters, [name]: event.target.value });
  const count = chipsOf(filters).length - 1;
  return html`<button
      type="button"
      class="filters-toggle"
      aria-expanded=${panel.filtersUnfolded}
      aria-controls="filters"
      @click=${() => panel.foldFilters()}
    >
      <span>${t.text('filter.label')}${count ? ` (${t.number(count)})` : ''}</span>${ICONS.chevron}
    </button>
    <div id="filters" part="filters" class="filters" role="group" aria-label=${t.text('filter.label')} ?data-folded=${!panel.filtersUnfolded}>
      ${panel.pickers.map((picker) => picker.template())}
      <div class="field">
        <label for="period">${t.text('filter.period')}</label>
        <select id="period" @change=${set('range')}>
          ${RANGES.map((range) => html`<option value=${range} .selected=${filters.range === range}>${t.text(`range.${range}`)}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="zone">${t.text('filter.zone')}</label>
        <select id="zone" @change=${set('zone')}>
          <option value="local" .selected=${filters.zone === 'local'}>${localZoneText(panel)}</option>
          <option value="utc" .selected=${filters.zone === 'utc'}>${t.text('zone.utc')}</option>
        </select>
      </div>
      ${filters.range === 'custom' ? customDates(panel, set) : ''}
      ${choices(panel, 'activityTypes', 'activity', ACTIVITY_TYPES, 'wide')}
      ${choices(panel, 'channels', 'channel', CHANNELS, 'narrow')}
    </div>`;
}

/** @param {Panel} panel @param {(name: string) => (event: Event) => void} set */
function customDates(panel, set) {
  const { t, filters, retentionDay } = panel;
  const problem = rangeProblem(filters, retentionDay);
  const today = dayOf(new Date(), panel.zone);
  const hint = retentionDay ? t.text('range.retention', { day: t.day(retentionDay) }) : t.text('range.retention_plain');
  const field = (name) => html`<div class="field">
    <label for=${name}>${t.text(`filter.${name}`)}</label>
    <input
      id=${name}
      type="date"
      min=${retentionDay}
      max=${today}
      .value=${filters[name]}
      aria-describedby="dates-hint"
      aria-invalid=${Boolean(problem)}
      @change=${set(name)}
    />
  </div>`;
  return html`<div class="dates">
    ${field('from')} ${field('to')}
    <p id="dates-hint" class=${`hint${problem ? ' problem' : ''}`} role=${problem ? 'alert' : 'note'}>
      ${problem ? t.text(problem, { day: retentionDay && t.day(retentionDay) }) : hint}
    </p>
  </div>`;
}

/**
 * @param {Panel} panel
 * @param {'activityTypes'|'channels'} name
 * @param {'activity'|'channel'} texts
 * @param {string[]} values
 * @param {string} width
 */
function choices(panel, name, texts, values, width) {
  const { t, filters } = panel;
  const title = name === 'channels' ? 'filter.channel' : 'filter.activity_type';
  return html`<fieldset class=${`field ${width}`}>
    <legend>${t.text(title)}</legend>
    <div class="choices">
      ${values.map(
        (value) => html`<label>
          <input type="checkbox" .checked=${filters[name].includes(value)} @change=${() => panel.toggle(name, value)} />
          ${t.text(`${texts}.${value}`)}
        </label>`,
      )}
    </div>
  </fieldset>`;
}

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
  const person = panel.people.of(value);
  const label = t.text(name === 'admins' ? 'filter.admin' : 'filter.affected_user');
  return { label, value: person ? nameOf(person, t) : `${t.text('person.unknown')} ${value.slice(0, 8)}` };
}

/** @param {Panel} panel */
function localZoneText(panel) {
  const zone = panel.getAttribute('time-zone') ?? localZone();
  return panel.t.text('zone.local', { zone: zone.replaceAll('_', ' '), offset: offsetLabel(new Date(), zone) });
}
