// The filters. Which of them are active, the chips say.
import { html } from './vendor/lit-html/lit-html.js';
import { PersonPicker } from './combobox.js';
import { ICONS } from './icons.js';
import { ACTIVITY_TYPES, CHANNELS, chipsOf, rangeProblem } from './state.js';
import { dayOf, offsetLabel, RANGES } from './time.js';

/** @typedef {import('./user-management-log.js').UserManagementLog} Panel */

/** The two fields that persons are picked in. @param {Panel} panel */
export function pickersOf(panel) {
  return [
    new PersonPicker(panel, { name: 'affectedUsers', kind: 'users', label: 'filter.affected_user' }),
    new PersonPicker(panel, { name: 'admins', kind: 'admins', label: 'filter.admin' }),
  ];
}

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
      <div class="sets">
        ${choices(panel, 'activityTypes', 'activity', ACTIVITY_TYPES)} ${choices(panel, 'channels', 'channel', CHANNELS)}
      </div>
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
 */
function choices(panel, name, texts, values) {
  const { t, filters } = panel;
  const title = name === 'channels' ? 'filter.channel' : 'filter.activity_type';
  return html`<fieldset>
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
function localZoneText(panel) {
  const zone = panel.localZone;
  return panel.t.text('zone.local', { zone: zone.replaceAll('_', ' '), offset: offsetLabel(new Date(), zone) });
}
