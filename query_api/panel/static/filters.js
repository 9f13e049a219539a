// The filters. Which of them are active, the chips say.
import { html } from './vendor/lit-html/lit-html.js';
import { PersonPicker } from './combobox.js';
import { ICONS } from './icons.js';
import { ACTIVITY_TYPES, CHANNELS, chipsOf } from './state.js';
import { dayOf, offsetLabel, RANGES } from './time.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {'range'|'zone'|'from'|'to'} Field
 */

/** The two fields that persons are picked in. @param {Actions} act */
export function pickersOf(act) {
  return [
    new PersonPicker(act, { name: 'affectedUsers', kind: 'users', label: 'filter.affected_user' }),
    new PersonPicker(act, { name: 'admins', kind: 'admins', label: 'filter.admin' }),
  ];
}

/** @param {Model} model @param {Actions} act */
export function filterBar(model, act) {
  const { t, filters } = model;
  const set = (/** @type {Field} */ name) => (/** @type {Event} */ event) => {
    act.changeFilters({ [name]: /** @type {HTMLInputElement|HTMLSelectElement} */ (event.target).value });
  };
  const count = chipsOf(filters).length - 1;
  return html`<button
      type="button"
      class="filters-toggle"
      aria-expanded=${model.filtersUnfolded}
      aria-controls="filters"
      @click=${() => act.foldFilters()}
    >
      <span>${t.text('filter.label')}${count ? ` (${t.number(count)})` : ''}</span>${ICONS.chevron}
    </button>
    <div id="filters" part="filters" class="filters" role="group" aria-label=${t.text('filter.label')} ?data-folded=${!model.filtersUnfolded}>
      ${model.pickers.map((picker) => picker.template(model))}
      <div class="field">
        <label for="period">${t.text('filter.period')}</label>
        <select id="period" @change=${set('range')}>
          ${RANGES.map((range) => html`<option value=${range} .selected=${filters.range === range}>${t.text(`range.${range}`)}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="zone">${t.text('filter.zone')}</label>
        <select id="zone" @change=${set('zone')}>
          <option value="local" .selected=${filters.zone === 'local'}>${localZoneText(model)}</option>
          <option value="utc" .selected=${filters.zone === 'utc'}>${t.text('zone.utc')}</option>
        </select>
      </div>
      ${filters.range === 'custom' ? customDates(model, set) : ''}
      <div class="sets">
        ${choices(model, act, 'activityTypes', 'activity', ACTIVITY_TYPES)} ${choices(model, act, 'channels', 'channel', CHANNELS)}
      </div>
    </div>`;
}

/** @param {Model} model @param {(name: Field) => (event: Event) => void} set */
function customDates(model, set) {
  const { t, filters, retentionDay, rangeProblem: problem } = model;
  const today = dayOf(model.now, model.zone);
  const hint = retentionDay ? t.text('range.retention', { day: t.day(retentionDay) }) : t.text('range.retention_plain');
  const field = (/** @type {'from'|'to'} */ name) => html`<div class="field">
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
 * @param {Model} model
 * @param {Actions} act
 * @param {'activityTypes'|'channels'} name
 * @param {'activity'|'channel'} texts
 * @param {string[]} values
 */
function choices(model, act, name, texts, values) {
  const { t, filters } = model;
  const title = name === 'channels' ? 'filter.channel' : 'filter.activity_type';
  return html`<fieldset>
    <legend>${t.text(title)}</legend>
    <div class="choices">
      ${values.map(
        (value) => html`<label>
          <input type="checkbox" .checked=${filters[name].includes(value)} @change=${() => act.toggle(name, value)} />
          ${t.text(`${texts}.${value}`)}
        </label>`,
      )}
    </div>
  </fieldset>`;
}

/** @param {Model} model */
function localZoneText({ t, now, localZone }) {
  return t.text('zone.local', { zone: localZone.replaceAll('_', ' '), offset: offsetLabel(now, localZone) });
}
