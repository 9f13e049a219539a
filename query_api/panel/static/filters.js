// The filters. Which of them are active, the chips say.
import { html, noChange } from './vendor/lit-html/lit-html.js';
import { chipsOf, toggled } from './choices.js';
import { ICONS } from './icons.js';
import { menusOf } from './menus.js';
import { ACTIVITY_TYPES, CHANNELS, datesProblem } from './state.js';
import { periodName, zoneText } from './model.js';
import { dayOf, daysOf, isMoment, RANGES, SINCE } from './time.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {'range'|'zone'} Field
 */

/** @param {Model} model @param {Actions} act */
export function filterBar(model, act) {
  const { t, filters } = model;
  const menus = menusOf(act);
  const set = (/** @type {Field} */ name) => (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    act.changeFilters({ [name]: value, ...(value === 'custom' && datesBefore(act)) });
  };
  const count = chipsOf(filters).length - 1;
  return html`<button
      type="button"
      class="filters-toggle"
      aria-expanded=${menus.filtersUnfolded}
      aria-controls="filters"
      @click=${() => menus.foldFilters()}
    >
      <span>${t.text('filter.label')}${count ? ` (${t.number(count)})` : ''}</span>${ICONS.chevron}
    </button>
    <div id="filters" part="filters" class="filters" role="group" aria-label=${t.text('filter.label')} ?data-folded=${!menus.filtersUnfolded}>
      ${menus.pickers.map((picker) => picker.template(model))}
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

/** Custom dates begin with those of the period before. @param {Actions} act */
function datesBefore({ filters, session: { retentionDay, zone } }) {
  const [{ first }, today] = [daysOf(filters, new Date(), zone), dayOf(new Date(), zone)];
  return { from: first || retentionDay, to: today };
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
  const { t, filters } = model;
  const { licenses, hasMoreLicenses } = act.session;
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
 * Two dates, each with a time of day where one is wanted. What is typed counts once the field is left or Enter is pressed:
 * half a date is none, and the browser drops it where its field or a bound of it is written to. What is chosen from a
 * calendar counts at once.
 * @param {Model} model
 * @param {Actions} act
 */
function customDates(model, act) {
  const { t, filters, retentionDay } = model;
  const { dates } = menusOf(act);
  const shown = dates ?? filters;
  const problem = dates?.problem || model.rangeProblem;
  const today = dayOf(model.now, model.zone);
  const day = retentionDay && t.day(retentionDay);
  const hint = model.isClamped ? 'clamped' : day ? 'retention' : 'retention_plain';
  const unlessTyped = (/** @type {string} */ id, /** @type {string} */ value) => (isTyped(act, id) ? noChange : value);
  const field = (/** @type {'from'|'to'} */ name) => {
    const [date, clock = ''] = shown[name].split('T');
    const enter = (/** @type {Event} */ event) => enterDate(model, act, name, inputOf(event));
    const onKey = (/** @type {KeyboardEvent} */ event) => onDateKey(() => enter(event), event);
    const onChange = (/** @type {Event} */ event) => typed.has(inputOf(event)) || enter(event);
    return html`<div class="field">
      <label for=${name}>${t.text(`filter.${name}`)}</label>
      <div class="moment">
        <input id=${name} type="date" min=${unlessTyped(name, retentionDay)} max=${unlessTyped(name, today)} .value=${unlessTyped(name, date)}
          aria-describedby="dates-hint" aria-invalid=${Boolean(problem)} @keydown=${onKey} @change=${onChange} @focusout=${enter} />
        <input id=${`${name}-time`} type="time" .value=${unlessTyped(`${name}-time`, clock)} ?disabled=${!date}
          aria-label=${t.text(`filter.${name}_time`)} aria-describedby="dates-hint" @keydown=${onKey} @change=${onChange} @focusout=${enter} />
      </div>
    </div>`;
  };
  return html`<div class="dates">
    ${field('from')} ${field('to')}
    <p id="dates-hint" class=${`hint${problem ? ' problem' : ''}`} role=${problem ? 'alert' : model.isClamped ? 'status' : 'note'}>
      ${t.text(`range.${problem || hint}`, { day })}
    </p>
  </div>`;
}

/** @type {WeakSet<HTMLInputElement>} The fields that are being typed in. */
const typed = new WeakSet();

/** @param {Actions} act @param {string} id */
function isTyped(act, id) {
  const input = /** @type {HTMLInputElement|null} */ (act.place()?.querySelector(`#${id}`) ?? null);
  return input !== null && typed.has(input);
}

/** @param {Event} event */
function inputOf(event) {
  return /** @type {HTMLInputElement} */ (event.currentTarget);
}

/** @param {() => void} enter @param {KeyboardEvent} event */
function onDateKey(enter, event) {
  if (event.key === 'Enter') enter();
  else if (event.key !== 'Tab') typed.add(inputOf(event));
}

/**
 * A date or its time of day was entered. One that cannot be asked for is told; the filters stay as they are.
 * @param {Model} model
 * @param {Actions} act
 * @param {'from'|'to'} name
 * @param {HTMLInputElement} input
 */
function enterDate({ retentionDay, zone }, act, name, input) {
  typed.delete(input);
  const [{ filters }, menus] = [act, menusOf(act)];
  const { from, to } = menus.dates ?? filters;
  const dates = { from, to };
  const isDate = input.type === 'date';
  const [day, time = ''] = dates[name].split('T');
  const moment = isDate ? momentOf(input.value, time) : momentOf(day, input.value);
  if (input.validity.badInput || (moment && !isMoment(moment))) {
    menus.setDates({ ...dates, problem: isDate ? 'no_date' : 'no_time' });
    return;
  }
  dates[name] = moment;
  const problem = datesProblem(dates, retentionDay, zone);
  if (problem) menus.setDates({ ...dates, problem });
  else if (dates.from === filters.from && dates.to === filters.to) menus.setDates(null);
  else act.changeFilters(dates);
  // A start that the log no longer holds is another one now, though it may be the one of before.
  if (!problem) act.afterUpdate(() => showDate(input, act.filters[name]));
  act.update();
}

/** Without a day there is no time. @param {string} day @param {string} time */
function momentOf(day, time) {
  return day && time ? `${day}T${time}` : day;
}

/** Write into the fields of a date, whatever they were drawn with. @param {HTMLInputElement} input One of them. @param {string} moment */
function showDate(input, moment) {
  const [day, time = ''] = moment.split('T');
  for (const field of input.parentElement?.querySelectorAll('input') ?? []) {
    const value = field.type === 'date' ? day : time;
    if (field.value !== value) field.value = value;
  }
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
            @change=${() => act.setFilters(toggled(act.filters, name, value))}
          />
          ${t.text(`${texts}.${value}`)}
          <span class="count" id=${`count-${value}`} aria-hidden="true">${countOf(model, name, value)}</span>
        </label>`,
      )}
    </div>
  </fieldset>`;
}
