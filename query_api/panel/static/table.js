// The lines: a table where there is room, cards where there is none. The roles are written out because a table that is
// laid out as blocks would lose them.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';
import { withRest } from './model.js';
import { personCell, plainNameOf } from './person.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./state.js').Change} Change
 * @typedef {import('./i18n.js').Translator} Translator
 */

const COLUMNS = ['occurred_at', 'activity', 'affected_user', 'admin', 'change', 'channel'];
/** @type {Record<string, string>} */
const CLASSES = { occurred_at: 'when', activity: 'what' };

/**
 * @param {Model} model
 * @param {Actions} act
 * @param {Activity[]} lines
 * @param {string} caption
 */
export function activityTable(model, act, lines, caption) {
  const { t, expanded } = model;
  return html`<table role="table" part="table" aria-label=${caption}>
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col"><span class="hidden-text">${t.text('column.details')}</span></th>
        ${COLUMNS.map((name) => html`<th role="columnheader" scope="col" class=${CLASSES[name] ?? name}>${t.text(`column.${name}`)}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${lines.map((line) => [lineRow(model, act, line), expanded.has(line.event_id) ? detailRow(model, act, line) : ''])}
    </tbody>
  </table>`;
}

/** @param {Model} model @param {Actions} act @param {Activity} line */
function detailRow(model, act, line) {
  return html`<tr role="row" class="detail" part="detail" id=${`detail-${line.event_id}`}>
    <td role="cell" colspan="7">${withRest(model, ({ detail }) => detail(model, act, line))}</td>
  </tr>`;
}

/** @param {Model} model @param {Actions} act @param {Activity} line */
function lineRow({ t, now, expanded }, act, line) {
  const isOpen = expanded.has(line.event_id);
  const cell = (/** @type {string} */ name, /** @type {unknown} */ content) => html`<td role="cell" data-label=${t.text(`column.${name}`)}><div>${content}</div></td>`;
  return html`<tr role="row" class="line" part="row" ?data-open=${isOpen} @click=${(/** @type {Event} */ event) => isForRow(event) && act.expand(line.event_id)}>
    <td role="cell" class="toggle">
      <button
        type="button"
        id=${`toggle-${line.event_id}`}
        aria-expanded=${isOpen}
        aria-controls=${isOpen ? `detail-${line.event_id}` : ''}
        aria-label=${t.text(isOpen ? 'detail.hide' : 'detail.show', lineWords(line, t))}
        @click=${() => act.expand(line.event_id)}
      >
        ${ICONS.chevron}
      </button>
    </td>
    ${cell('occurred_at', timeTemplate(line, t, now))}
    ${cell('activity', badge(line, t))}
    ${cell('affected_user', personCell(line.affected_user, t))}
    ${cell('admin', personCell(line.admin, t))}
    ${cell('change', changeTemplate(line, t))}
    ${cell('channel', t.text(channelKey(line, t)))}
  </tr>`;
}

/** A click on a row is meant for it, unless it is for what stands in it, or ends a selection of text. @param {Event} event */
function isForRow(event) {
  return !(/** @type {Element} */ (event.target).closest('button')) && !String(getSelection());
}

/** @param {Activity} line @param {Translator} t @param {Date} now */
function timeTemplate(line, t, now) {
  const instant = new Date(line.occurred_at);
  return html`<time datetime=${line.occurred_at} title=${`${t.exactTime(instant)} · ${line.occurred_at}`}>${t.dateTime(instant)}</time>
    <span class="second">${t.relative(instant, now)}</span>`;
}

/** @param {Activity} line @param {Translator} t */
function badge(line, t) {
  return html`<span class="badge" data-type=${line.activity_type}>
    ${/** @type {Record<string, unknown>} */ (ICONS)[line.activity_type] ?? ''}<span>${t.text(activityKey(line, t))}</span>
  </span>`;
}

/** What changed, in words. @param {Activity} line @param {Translator} t */
export function changeTemplate(line, t) {
  if (line.changes.length) return line.changes.map((change) => changed(change, t));
  return html`<span aria-hidden="true">–</span><span class="hidden-text">${t.text('change.nothing')}</span>`;
}

/** @param {Change} change @param {Translator} t */
function changed({ field, before, after }, t) {
  const value = (/** @type {Change['before']} */ given) => {
    if (typeof given === 'boolean') return t.text(given ? 'change.yes' : 'change.no');
    return given === null ? t.text('change.no_license') : html`<bdi>${given}</bdi>`;
  };
  return html`<span class="change">
    <span class="label">${t.text('label', { label: t.text(`change.${field}`) })}</span>
    <span class="values">
      <del><span class="hidden-text">${t.text('change.before')} </span>${value(before)}</del>
      ${ICONS.arrow}
      <ins><span class="hidden-text">${t.text('change.after')} </span>${value(after)}</ins>
    </span>
  </span>`;
}

/** @param {Activity} line @param {Translator} t */
export function activityKey({ activity_type: type }, t) {
  return t.has(`activity.${type}`) ? `activity.${type}` : 'activity.unknown';
}

/** @param {Activity} line @param {Translator} t */
export function channelKey({ channel }, t) {
  return t.has(`channel.${channel}`) ? `channel.${channel}` : 'channel.unknown';
}

/** @param {Activity} line @param {Translator} t */
function lineWords(line, t) {
  const activity = `${t.text(activityKey(line, t))}, ${plainNameOf(line.affected_user, t)}`;
  return { activity, when: t.dateTime(new Date(line.occurred_at)) };
}
