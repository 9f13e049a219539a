// A line in full: its facts, what one can do with it, and the JSON as the API gave it.
import { html } from './vendor/lit-html/lit-html.js';
import { life } from './life.js';
import { personCell } from './person.js';
import { writeUrl } from './url-sync.js';
import { visibleJson } from './visible-json.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./state.js').Person} Person
 * @typedef {import('./i18n.js').Translator} Translator
 */

/** @param {Model} model @param {Actions} act @param {Activity} line */
export function detail(model, act, line) {
  return html`<div class="columns">${facts(model.t, line)} ${life(model, act, line)}</div>
    ${buttons(model, act, line)} ${raw(model.t, line)}`;
}

/** In the chosen zone, and in UTC as it was recorded. @param {Translator} t @param {string} time */
function instant(t, time) {
  return html`${t.exactTime(new Date(time))}<span class="second">${code(time)}</span>`;
}

/** @param {string} value */
const code = (value) => html`<code>${value}</code>`;

/** @param {Translator} t @param {Activity} line */
function facts(t, line) {
  const source = line.source ?? { service: '', request_id: null, import_id: null, row_number: null };
  /** @type {[string, unknown][]} */
  const rows = [
    ['detail.occurred_at', instant(t, line.occurred_at)],
    ['detail.recorded_at', instant(t, line.recorded_at)],
    ['detail.event_id', code(line.event_id)],
    ['column.affected_user', person(t, line.affected_user)],
    ['column.admin', person(t, line.admin)],
    ['detail.service', source.service && html`<bdi>${source.service}</bdi>`],
    ['detail.request_id', source.request_id && html`<code><bdi>${source.request_id}</bdi></code>`],
    ['detail.import_id', source.import_id && code(source.import_id)],
    ['detail.row_number', source.row_number !== null && t.number(source.row_number)],
  ];
  return html`<dl class="facts">
    ${rows.filter(([, value]) => value).map(([key, value]) => html`<div><dt>${t.text(key)}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** @param {Translator} t @param {Person} given */
function person(t, given) {
  return html`${personCell(given, t)}${given.id ? html`<span class="second"><code><bdi>${given.id}</bdi></code></span>` : ''}`;
}

/** @param {Model} model @param {Actions} act @param {Activity} line */
function buttons({ t, filters, canLink }, act, line) {
  const importId = line.source?.import_id;
  const button = (/** @type {string} */ key, /** @type {(event: Event) => void} */ onClick) => html`<button
    type="button"
    @click=${onClick}
  >
    ${t.text(key)}
  </button>`;
  const say = (/** @type {string} */ text) => act.announce(t.text(text), { visibly: true });
  const copying = (/** @type {string} */ key, /** @type {() => string} */ text, /** @type {string} */ done) =>
    button(key, (event) => void copy(event, text()).then((isCopied) => say(isCopied ? done : 'detail.copy_failed')));
  const only = (/** @type {'affectedUsers'|'admins'} */ name, /** @type {Person} */ { ref }) => () => act.showOnly(name, ref);
  return html`<div class="actions">
    ${copying('detail.copy_json', () => visibleJson(line), 'detail.copied_json')}
    ${canLink
      ? copying('detail.copy_link', () => writeUrl(location.href, filters, line.event_id), 'detail.copied_link')
      : ''}
    ${button('detail.filter_user', only('affectedUsers', line.affected_user))}
    ${button('detail.filter_admin', only('admins', line.admin))}
    ${importId ? button('detail.filter_import', () => act.showAll({ imports: [importId] })) : ''}
  </div>`;
}

/** @param {Translator} t @param {Activity} line */
function raw(t, line) {
  const title = t.text('detail.raw');
  return html`<div class="raw">
    <h3 id=${`raw-${line.event_id}`}>${title}</h3>
    <pre tabindex="0" role="region" aria-labelledby=${`raw-${line.event_id}`} dir="ltr">${visibleJson(line)}</pre>
  </div>`;
}

/**
 * Copy *text*; where the browser forbids it, select the JSON, so that it can be copied by keyboard.
 * @param {Event} event
 * @param {string} text
 * @returns {Promise<boolean>} Whether it was copied.
 */
async function copy(event, text) {
  const json = /** @type {Element} */ (event.currentTarget).closest('td')?.querySelector('pre');
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (json) getSelection()?.selectAllChildren(json);
    return false;
  }
}
