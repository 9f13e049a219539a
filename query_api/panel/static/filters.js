// The filters. Which of them are active, the chips say.
import { html, noChange } from './vendor/lit-html/lit-html.js';
import { PersonPicker } from './combobox.js';
import { ICONS } from './icons.js';
import { ACTIVITY_TYPES, CHANNELS, chipsOf } from './state.js';
import { periodName, zoneText } from './model.js';
import { dayOf, RANGES, SINCE } from './time.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {'range'|'zone'} Field
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
          ${filters.range === SINCE ? html`<option value=${SINCE} selected>${periodName(model)}</option>` : ''}
          ${RANGES.map((range) => html`<option value=${range} .selected=${filters.range === range}>${t.text(`range.${range}`)}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="zone">${t.text('filter.zone')}</label>
        <select id="zone" @change=${set('zone')}>
          ${model.localZone === 'UTC'
            ? ''
            : html`<option value="local" .selected=${filters.zone === 'local'}>${zoneText(model, model.localZone)}</option>`}
          <option value="utc" .selected=${filters.zone === 'utc'}>${t.text('zone.utc')}</option>
        </select>
      </div>
      ${filters.range === 'custom' ? customDates(model, act) : ''}
      <div class="sets" ?data-stale=${model.list.isCounting}>
        ${choices(model, act, 'activityTypes', 'activity', ACTIVITY_TYPES)} ${choices(model, act, 'channels', 'channel', CHANNELS)}
        ${licenseChoice(model, act)}
      </div>
    </div>`;
}

/** What the API calls the filters whose values it counts. */
const COUNTED_BY = /** @type {const} */ ({ activityTypes: 'activity_type', channels: 'channel', licenses: 'license' });

/**
 * How many lines a value alone would show beside the other filters; nothing while that is not known.
 * @param {Model} model
 * @param {keyof typeof COUNTED_BY} name
 * @param {string} value
 */
function countOf({ t, list }, name, value) {
  const facet = COUNTED_BY[name];
  const counts = !list.error && list.stats?.facets[facet];
  if (!counts || (!(value in counts) && list.stats?.cut_facets?.includes(facet))) return '';
  return t.number(counts[value] ?? 0);
}

/** One license of those that the log names; the address may ask for another. @param {Model} model @param {Actions} act */
function licenseChoice(model, act) {
  const { t, filters, licenses, hasMoreLicenses } = model;
  const named = (/** @type {string} */ license) => `${license} (${countOf(model, 'licenses', license)})`.replace(' ()', '');
  const choose = (/** @type {Event} */ event) => {
    act.changeFilters({ licenses: [/** @type {HTMLSelectElement} */ (event.target).value].filter(Boolean) });
  };
  // Where none is selected, a browser selects the first.
  return html`<select aria-label=${t.text('filter.license')} @change=${choose}>
    <option value="">${t.text('filter.license')}</option>
    ${[...new Set([...licenses, ...filters.licenses])].map((name) => html`<option value=${name} .selected=${filters.licenses.includes(name)}>${named(name)}</option>`)}
    ${hasMoreLicenses ? html`<option disabled>${t.text('filter.more_licenses')}</option>` : ''}
  </select>`;
}

/**
 * Two dates. What is typed counts once the field is left or Enter is pressed: half a date is none, and the browser drops it
 * where its field or a bound of it is written to. A day that is chosen from a calendar counts at once.
 * @param {Model} model
 * @param {Actions} act
 */
function customDates(model, act) {
  const { t, filters, retentionDay, dates } = model;
  const shown = dates ?? filters;
  const problem = dates?.problem || model.rangeProblem;
  const today = dayOf(model.now, model.zone);
  const day = retentionDay && t.day(retentionDay);
  const hint = model.isClamped ? 'range.clamped' : day ? 'range.retention' : 'range.retention_plain';
  const unlessTyped = (/** @type {'from'|'to'} */ name, /** @type {string} */ value) => (isTyped(act, name) ? noChange : value);
  const field = (/** @type {'from'|'to'} */ name) => html`<div class="field">
    <label for=${name}>${t.text(`filter.${name}`)}</label>
    <input
      id=${name}
      type="date"
      min=${unlessTyped(name, retentionDay)}
      max=${unlessTyped(name, today)}
      .value=${unlessTyped(name, shown[name])}
      aria-describedby="dates-hint"
      aria-invalid=${Boolean(problem)}
      @keydown=${(/** @type {KeyboardEvent} */ event) => onDateKey(act, name, event)}
      @change=${(/** @type {Event} */ event) => typed.has(inputOf(event)) || enter(act, name, inputOf(event))}
      @focusout=${(/** @type {Event} */ event) => enter(act, name, inputOf(event))}
    />
  </div>`;
  return html`<div class="dates">
    ${field('from')} ${field('to')}
    <p id="dates-hint" class=${`hint${problem ? ' problem' : ''}`} role=${problem ? 'alert' : model.isClamped ? 'status' : 'note'}>
      ${t.text(problem || hint, { day })}
    </p>
  </div>`;
}

/** @type {WeakSet<HTMLInputElement>} The fields that are being typed in. */
const typed = new WeakSet();

/** @param {Actions} act @param {'from'|'to'} name */
function isTyped(act, name) {
  const input = /** @type {HTMLInputElement|null} */ (act.place()?.querySelector(`#${name}`) ?? null);
  return input !== null && typed.has(input);
}

/** @param {Event} event */
function inputOf(event) {
  return /** @type {HTMLInputElement} */ (event.currentTarget);
}

/** @param {Actions} act @param {'from'|'to'} name @param {KeyboardEvent} event */
function onDateKey(act, name, event) {
  if (event.key === 'Enter') enter(act, name, inputOf(event));
  else if (event.key !== 'Tab') typed.add(inputOf(event));
}

/** @param {Actions} act @param {'from'|'to'} name @param {HTMLInputElement} input */
function enter(act, name, input) {
  typed.delete(input);
  act.setDate(name, input.value, !input.validity.badInput);
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
  return html`<fieldset>
    <legend class="hidden-text">${t.text(`filter.${texts}`)}</legend>
    <div class="choices">
      ${values.map(
        (value) => html`<label>
          <input
            type="checkbox"
            aria-describedby=${`count-${value}`}
            .checked=${filters[name].includes(value)}
            @change=${() => act.toggle(name, value)}
          />
          ${t.text(`${texts}.${value}`)}
          <span class="count" id=${`count-${value}`} aria-hidden="true">${countOf(model, name, value)}</span>
        </label>`,
      )}
    </div>
  </fieldset>`;
}
