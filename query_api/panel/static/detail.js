// A line in full: its facts, what one can do with it, and the JSON as the API gave it.
import { html } from './vendor/lit-html/lit-html.js';
import { visibleJson } from './i18n.js';
import { personCell } from './person.js';

/**
 * @typedef {import('./user-management-log.js').UserManagementLog} Panel
 * @typedef {import('./state.js').Activity} Activity
 */

/** @param {Panel} panel @param {Activity} line */
export function detail(panel, line) {
  return html`${facts(panel, line)} ${actions(panel, line)} ${raw(panel, line)}`;
}

/** @param {Panel} panel @param {Activity} line */
function facts(panel, line) {
  const { t } = panel;
  const source = line.source ?? { service: null, request_id: null, import_id: null, row_number: null };
  const code = (value) => html`<code>${value}</code>`;
  const rows = [
    ['detail.occurred_at', code(line.occurred_at)],
    ['detail.recorded_at', code(line.recorded_at)],
    ['detail.event_id', code(line.event_id)],
    ['column.affected_user', person(panel, line.affected_user)],
    ['column.admin', person(panel, line.admin)],
    ['detail.service', source.service && html`<bdi>${source.service}</bdi>`],
    ['detail.request_id', source.request_id && html`<code><bdi>${source.request_id}</bdi></code>`],
    ['detail.import_id', source.import_id && code(source.import_id)],
    ['detail.row_number', source.row_number !== null && t.number(source.row_number)],
  ];
  return html`<dl class="facts">
    ${rows.filter(([, value]) => value).map(([key, value]) => html`<div><dt>${t.text(key)}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** @param {Panel} panel @param {import('./state.js').Person} given */
function person(panel, given) {
  return html`${personCell(given, panel.t)}${given.id ? html`<span class="second"><code><bdi>${given.id}</bdi></code></span>` : ''}`;
}

/** @param {Panel} panel @param {Activity} line */
function actions(panel, line) {
  const { t } = panel;
  const button = (key, onClick) => html`<button type="button" @click=${onClick}>${t.text(key)}</button>`;
  const only = (name, { ref, deleted }) => () => panel.showOnly(name, deleted ? 'deleted' : ref);
  return html`<div class="actions">
    ${button('detail.copy_json', (event) => copy(panel, event, visibleJson(line), 'detail.copied_json'))}
    ${panel.canLink ? button('detail.copy_link', (event) => copy(panel, event, panel.linkTo(line.event_id), 'detail.copied_link')) : ''}
    ${button('detail.filter_user', only('affectedUsers', line.affected_user))}
    ${button('detail.filter_admin', only('admins', line.admin))}
    ${line.source?.import_id ? button('detail.filter_import', () => panel.showImport(line.source.import_id)) : ''}
  </div>`;
}

/** @param {Panel} panel @param {Activity} line */
function raw(panel, line) {
  const title = panel.t.text('detail.raw');
  return html`<div class="raw">
    <h3 id=${`raw-${line.event_id}`}>${title}</h3>
    <pre tabindex="0" role="region" aria-labelledby=${`raw-${line.event_id}`} dir="ltr">${visibleJson(line)}</pre>
  </div>`;
}

/**
 * @param {Panel} panel
 * @param {Event} event
 * @param {string} text
 * @param {string} done
 */
async function copy(panel, event, text, done) {
  const place = /** @type {Element} */ (event.currentTarget).closest('td').querySelector('pre');
  try {
    await navigator.clipboard.writeText(text);
    panel.announce(panel.t.text(done), { visibly: true });
  } catch {
    getSelection().selectAllChildren(place);
    panel.announce(panel.t.text('detail.copy_failed'), { visibly: true });
  }
}
