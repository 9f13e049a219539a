// What happened to the affected user of a line, as far as the log still says: created, licensed, made admin, deleted.
import { html } from './vendor/lit-html/lit-html.js';
import { ApiError } from './api.js';
import { nameOf } from './person.js';
import { activityKey, changeTemplate } from './table.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {{etag: string, lines: Activity[], hasMore: boolean}} Life The last lines about one person, the oldest first.
 */

const SHOWN = 8;
const MAX_LIVES = 10;

/** The lives that are looked at. Each is read again at every poll: they name people, who may be deleted meanwhile. */
export class Lives {
  /** @param {() => import('./api.js').AuditApi} api @param {() => void} onChange */
  constructor(api, onChange) {
    this._api = api;
    this._onChange = onChange;
    /** @type {Map<string, {life: Life|null}>} By ref; what is there is being read, or was. */
    this._known = new Map();
    /** @type {Set<string>} The refs that were asked for since the last reload. */
    this._wanted = new Set();
  }

  /** What is known by now; it is read where nothing is. @param {string} ref @returns {Life|null} */
  of(ref) {
    this._wanted.add(ref);
    if (!this._known.has(ref) && this._known.size < MAX_LIVES) void this._read(ref, null);
    return this._known.get(ref)?.life ?? null;
  }

  /** Read those again that are looked at, and forget the others. */
  reload() {
    for (const [ref, entry] of this._known) {
      if (this._wanted.has(ref)) void this._read(ref, entry.life);
      else this._known.delete(ref);
    }
    this._wanted.clear();
  }

  forget() {
    this._known.clear();
  }

  /** @param {string} ref @param {Life|null} before Shown until the answer is there. */
  async _read(ref, before) {
    const entry = { life: before };
    this._known.set(ref, entry);
    try {
      const query = new URLSearchParams({ affected_user: `ref:${ref}` });
      const read = await this._api().pageSince(before?.etag ?? '', query, { limit: SHOWN });
      if (!read) return;
      entry.life = { etag: read.etag, lines: read.data.toReversed(), hasMore: Boolean(read.page.next_cursor) };
    } catch (error) {
      // The list's own error says what is wrong.
      if (!(error instanceof ApiError)) throw error;
      entry.life = null;
    }
    if (this._known.get(ref) === entry) this._onChange();
  }
}

/** @param {Model} model @param {Actions} act @param {Activity} line */
export function life(model, act, line) {
  const { t } = model;
  const { ref } = line.affected_user;
  const found = act.session.beside?.lives.of(ref);
  if (!found) return '';
  return html`<section class="life" aria-labelledby=${`life-${line.event_id}`}>
    <h3 id=${`life-${line.event_id}`}>${t.text('life.title')}</h3>
    ${found.hasMore
      ? html`<button type="button" class="quiet" @click=${() => act.showAll({ affectedUsers: [ref] })}>${t.text('life.all')}</button>`
      : ''}
    <ol>
      ${found.lines.map((one) => lifeEvent(model, act, one, one.event_id === line.event_id))}
    </ol>
  </section>`;
}

/** @param {Model} model @param {Actions} act @param {Activity} line @param {boolean} isThis */
function lifeEvent({ t }, act, line, isThis) {
  const instant = new Date(line.occurred_at);
  const what = line.changes.length ? changeTemplate(line, t, (name, chosen) => act.showOnly(name, chosen)) : t.text(activityKey(line, t));
  return html`<li data-type=${line.activity_type} aria-current=${isThis}>
    ${what}
    <span class="second">
      <time datetime=${line.occurred_at} title=${t.exactTime(instant)}>${t.dateTime(instant)}</time> ·
      ${t.parts('life.by', { name: html`<bdi>${nameOf(line.admin, t)}</bdi>` })}
    </span>
  </li>`;
}
