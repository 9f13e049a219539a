// The lines: a table where there is room, cards where there is none. The roles are written out because a table that is
// laid out as blocks would lose them.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';
import { withRest } from './model.js';
import { nameOf, personCell, plainNameOf, value } from './person.js';
import { byDay, runsOf } from './state.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./state.js').Change} Change
 * @typedef {import('./i18n.js').Translator} Translator
 * @typedef {(name: import('./state.js').ListName, value: string) => void} Only Filters by a value.
 */

export const COLUMNS = ['occurred_at', 'activity', 'affected_user', 'admin', 'change', 'channel'];

/**
 * @param {Model} model
 * @param {Actions} act
 * @param {Activity[]} lines
 * @param {string} caption
 * @param {{isByDay?: boolean}} [options]
 */
export function activityTable(model, act, lines, caption, { isByDay = false } = {}) {
  const { t, zone } = model;
  return html`<table role="table" part="table" aria-label=${caption}>
    <thead role="rowgroup">
      <tr role="row">
        <th role="columnheader" scope="col"><span class="hidden-text">${t.text('column.details')}</span></th>
        ${COLUMNS.map((name) => html`<th role="columnheader" scope="col" class=${name}>${t.text(`column.${name}`)}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${isByDay
        ? byDay(lines, zone).map((group) => [dayRow(model, group.day), dayLines(model, act, group.lines)])
        : lines.map((line) => rows(model, act, line))}
    </tbody>
  </table>`;
}

/** @param {Model} model @param {Actions} act @param {Activity} line */
function rows(model, act, line) {
  return [lineRow(model, act, line), model.expanded.has(line.event_id) ? detailRow(model, act, line) : ''];
}

/** @param {Model} model @param {Actions} act @param {Activity[]} lines */
function dayLines(model, act, lines) {
  const runs = model.filters.imports.length ? [{ importId: '', lines }] : runsOf(lines);
  return runs.map(({ importId, lines: those }) => [
    importId ? importRow(model, act, importId, those) : '',
    !importId || model.unfolded.has(importId) ? those.map((line) => rows(model, act, line)) : '',
  ]);
}

/**
 * "Jürgen Schmidt imported a file · 84 created, 336 licensed · 420 activities": the API's counts, of all lines that match.
 * @param {Model} model
 * @param {Actions} act
 * @param {string} id
 * @param {Activity[]} lines Those that are here.
 */
function importRow({ t, imports, unfolded }, act, id, lines) {
  const [found, first, isOpen] = [imports.get(id), lines[0], unfolded.has(id)];
  const counts = Object.entries(found?.by_activity_type ?? {}).map(([type, count]) => t.plural(`import.${type}`, count));
  const total = found ? t.plural('list.count', found.total) : '';
  const here = found?.total === lines.length ? '' : t.plural('import.here', lines.length);
  const instant = new Date(first.occurred_at);
  return html`<tr role="row" class="import" @click=${(/** @type {Event} */ event) => isForRow(event) && act.toggle('unfolded', id)}>
    <td role="cell" class="toggle">
      <button
        type="button"
        id=${`import-${first.event_id}`}
        aria-expanded=${isOpen}
        aria-label=${t.text(isOpen ? 'import.fold' : 'import.unfold', { name: plainNameOf(first.admin, t) })}
        @click=${() => act.toggle('unfolded', id)}
      >
        ${ICONS.chevron}
      </button>
    </td>
    <td role="cell"><time datetime=${first.occurred_at} title=${t.exactTime(instant)}>${t.time(instant)}</time></td>
    <td role="cell" colspan="4">
      ${t.parts('import.row', { name: html`<bdi class="name">${nameOf(first.admin, t)}</bdi>` })}
      <span class="second">${[counts.join(', '), total, here].filter(Boolean).join(' · ')}</span>
    </td>
    <td role="cell"><button type="button" class="quiet" @click=${() => act.showAll({ imports: [id] })}>${t.text('import.only')}</button></td>
  </tr>`;
}

/** A day, and how many activities the filters find in it, shown or not. @param {Model} model @param {string} day */
function dayRow({ t, list }, day) {
  const buckets = (!list.isOfOthers && list.stats?.buckets.filter(({ start }) => start.startsWith(day))) || [];
  const total = buckets.reduce((sum, bucket) => sum + bucket.total, 0);
  return html`<tr role="row" class="day">
    <th role="rowheader" scope="rowgroup" colspan="7">
      ${t.weekday(day)}${total ? html` <span>· ${t.plural('list.count', total)}</span>` : ''}
    </th>
  </tr>`;
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
  const only = (/** @type {import('./state.js').ListName} */ name, /** @type {string} */ chosen) => () => act.showOnly(name, chosen);
  const cell = (/** @type {string} */ name, /** @type {unknown} */ content) => html`<td role="cell" data-label=${t.text(`column.${name}`)}><div>${content}</div></td>`;
  return html`<tr role="row" class="line" part="row" ?data-open=${isOpen} @click=${(/** @type {Event} */ event) => isForRow(event) && act.toggle('expanded', line.event_id)}>
    <td role="cell" class="toggle">
      <button
        type="button"
        id=${`toggle-${line.event_id}`}
        aria-expanded=${isOpen}
        aria-controls=${isOpen ? `detail-${line.event_id}` : ''}
        aria-label=${t.text(isOpen ? 'detail.hide' : 'detail.show', lineWords(line, t))}
        @click=${() => act.toggle('expanded', line.event_id)}
      >
        ${ICONS.chevron}
      </button>
    </td>
    ${cell('occurred_at', timeTemplate(line, t, now))}
    ${cell('activity', badge(line, t))}
    ${cell('affected_user', personCell(line.affected_user, t, only('affectedUsers', line.affected_user.ref)))}
    ${cell('admin', personCell(line.admin, t, only('admins', line.admin.ref)))}
    ${cell('change', changeTemplate(line, t, (name, chosen) => act.showOnly(name, chosen)))}
    ${cell('channel', value(t, t.text(channelKey(line, t)), only('channels', line.channel)))}
  </tr>`;
}

/** A click on a row is meant for it, unless it is for what stands in it, or ends a selection of text. @param {Event} event */
function isForRow(event) {
  return !(/** @type {Element} */ (event.target).closest('button, .value')) && !String(getSelection());
}

/** @param {Activity} line @param {Translator} t @param {Date} now */
function timeTemplate(line, t, now) {
  const instant = new Date(line.occurred_at);
  return html`<time datetime=${line.occurred_at} title=${`${t.exactTime(instant)} · ${line.occurred_at}`}>${t.time(instant)}</time>
    <span class="second">${t.relative(instant, now)}</span>`;
}

/** @param {Activity} line @param {Translator} t */
function badge(line, t) {
  return html`<span class="badge" data-type=${line.activity_type}>
    ${/** @type {Record<string, unknown>} */ (ICONS)[line.activity_type] ?? ''}<span>${t.text(activityKey(line, t))}</span>
  </span>`;
}

/** What changed, in words. @param {Activity} line @param {Translator} t @param {Only} only */
export function changeTemplate(line, t, only) {
  if (line.changes.length) return line.changes.map((change) => changed(change, t, only));
  return html`<span aria-hidden="true">–</span><span class="hidden-text">${t.text('change.nothing')}</span>`;
}

/** @param {Change} change @param {Translator} t @param {Only} only */
function changed({ field, before, after }, t, only) {
  const license = (/** @type {Change['before']} */ name) => value(t, html`<bdi title=${String(name)}>${name}</bdi>`, () => only('licenses', String(name)));
  if (field === 'admin_rights') {
    const done = after ? 'granted' : 'removed';
    return sentence([value(t, t.text(`change.${done}`), () => only('adminRights', done))]);
  }
  if (after === null) return sentence(t.parts('change.license_removed', { before: license(before) }));
  if (before === null) return sentence(t.parts('change.license_added', { after: license(after) }));
  return html`<span class="change">
    <del><span class="hidden-text">${t.text('change.before')} </span>${license(before)}</del>
    ${ICONS.arrow}
    <ins><span class="hidden-text">${t.text('change.after')} </span>${license(after)}</ins>
  </span>`;
}

/** @param {unknown[]} words */
function sentence(words) {
  return html`<span class="change">${words}</span>`;
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
