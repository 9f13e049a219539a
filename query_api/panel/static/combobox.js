// A multi-select combobox of persons: list autocomplete with manual selection, as the ARIA practices describe it.
// Input, list and options share one shadow root, since `aria-activedescendant` does not reach out of it.
import { html } from './vendor/lit-html/lit-html.js';
import { isAbort } from './api.js';
import { findPersons } from './api-rest.js';
import { labeled } from './chips.js';
import { toggled } from './choices.js';
import { nameOf, plainNameOf } from './person.js';
import { DELETED_REF } from './state.js';

const DEBOUNCE_MS = 200;

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./state.js').Person & {activities: number}} Suggestion
 */

export class PersonPicker {
  /**
   * @param {import('./actions.js').Actions} act
   * @param {{name: 'affectedUsers'|'admins', kind: 'users'|'admins', label: string}} options
   */
  constructor(act, { name, kind, label }) {
    this._act = act;
    this._name = name;
    this._kind = kind;
    this._label = label;
    this.isOpen = false;
    this._text = '';
    /** @type {Suggestion[]} */
    this._found = [];
    this._active = -1;
    /** @type {'idle'|'loading'|'ready'|'failed'} */
    this._phase = 'idle';
    /** Whether the first that is found is chosen: Enter was pressed before it was there. */
    this._takesFirst = false;
    /** What all who were deleted are called, in the reader's language. */
    this._deletedName = '';
  }

  /** Close, and forget every name. */
  reset() {
    clearTimeout(this._timer);
    this._abort?.abort();
    this.isOpen = false;
    this._text = '';
    this._found = [];
    this._active = -1;
    this._phase = 'idle';
  }

  /** @param {Model} model */
  template({ t, filters }) {
    const id = this._name;
    const note = this._note(t);
    this._deletedName = t.text('person.deleted');
    return html`<div class="field" @focusout=${this._onLeave}>
      <label for=${id}>${t.text(this._label)}</label>
      <input
        id=${id}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck="false"
        aria-autocomplete="list"
        aria-expanded=${this.isOpen}
        aria-controls=${`${id}-options`}
        aria-activedescendant=${this._active >= 0 ? `${id}-${this._active}` : ''}
        placeholder=${t.text('picker.placeholder')}
        .value=${this._text}
        @input=${this._onInput}
        @click=${() => this._open()}
        @keydown=${(/** @type {KeyboardEvent} */ event) => this._onKey(event, t)}
      />
      <div class="options" ?hidden=${!this.isOpen} @mousedown=${(/** @type {Event} */ event) => event.preventDefault()}>
        <div role="listbox" tabindex="-1" id=${`${id}-options`} aria-label=${t.text(this._label)} aria-multiselectable="true">
          ${this._found.map((person, index) => this._option(person, index, t, filters))}
        </div>
        ${note ? html`<p class="options-note">${note}</p>` : ''}
      </div>
      <p class="hidden-text" role="status">${this.isOpen ? note || t.plural('picker.found', this._found.length) : ''}</p>
    </div>`;
  }

  /** @param {Suggestion} person @param {number} index @param {Model['t']} t @param {Model['filters']} filters */
  _option(person, index, t, filters) {
    const isChosen = filters[this._name].includes(person.ref);
    const name = nameOf(person, t);
    return html`<div
      role="option"
      id=${`${this._name}-${index}`}
      class="option"
      aria-selected=${isChosen}
      ?data-active=${index === this._active}
      @click=${() => this._choose(index, t)}
    >
      <span class="tick" aria-hidden="true">${isChosen ? '✓' : ''}</span>
      <span>
        <bdi title=${name}>${marked(name, this._text)}</bdi>${person.username && person.username !== name
          ? html`<small><bdi title=${person.username}>${marked(person.username, this._text)}</bdi></small>`
          : ''}
      </span>
      <span class="count">${t.plural('picker.count', person.activities)}</span>
    </div>`;
  }

  /** @param {Model['t']} t */
  _note(t) {
    if (this._phase === 'failed') return t.text('picker.failed');
    if (this._phase === 'loading' && !this._found.length) return t.text('picker.loading');
    return this._phase === 'ready' && !this._found.length ? t.text('picker.none', { deleted: t.text('person.deleted') }) : '';
  }

  _open() {
    if (this.isOpen) return;
    this.isOpen = true;
    void this._search();
  }

  _close() {
    // Nothing stays that would look like a filter. Nor are names kept where nobody sees them: somebody may be deleted
    // meanwhile.
    this.reset();
    this._act.update();
  }

  /** Ask again, since somebody was deleted. */
  forget() {
    this._found = [];
    if (this.isOpen) void this._search();
  }

  _onInput = (/** @type {InputEvent} */ event) => {
    this._text = /** @type {HTMLInputElement} */ (event.target).value;
    this._active = -1;
    this._takesFirst = false;
    this._phase = 'loading';
    this.isOpen = true;
    // An answer to what was typed before would pass for the one to this.
    this._abort?.abort();
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._search(), DEBOUNCE_MS);
    this._act.update();
  };

  _onLeave = (/** @type {FocusEvent} */ event) => {
    const inside = /** @type {Element} */ (event.currentTarget);
    if (this.isOpen && !inside.contains(/** @type {Node|null} */ (event.relatedTarget))) this._close();
  };

  /** @param {KeyboardEvent} event @param {Model['t']} t */
  _onKey(event, t) {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Escape' && this.isOpen) {
      // The list takes this Escape; the next one is the dialog's.
      this._close();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (this.isOpen) this._move(event.key === 'ArrowDown' ? 1 : -1);
      else this._open();
    } else if (event.key === 'Enter' && this._active >= 0) {
      this._choose(this._active, t);
    } else if (event.key === 'Enter' && this._text.trim()) {
      this._takesFirst = true;
      if (this._phase === 'ready') this._takeFirst(t);
      else void this._search().then(() => this._phase === 'ready' && this._takeFirst(t));
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} step */
  _move(step) {
    const count = this._found.length;
    if (!count) return;
    this._active = this._active < 0 && step < 0 ? count - 1 : (this._active + step + count) % count;
    this._act.scrollTo(`#${this._name}-${this._active}`);
  }

  /** @param {number} index @param {Model['t']} t */
  _choose(index, t) {
    const person = this._found[index];
    this._act.session.persons.learn([person]);
    this._act.setFilters(toggled(this._act.filters, this._name, person.ref));
    this._act.announce(labeled(t, t.text(this._label), plainNameOf(person, t)));
    if (!this._text) return;
    this._text = '';
    void this._search();
  }

  /** @param {Model['t']} t */
  _takeFirst(t) {
    if (this._takesFirst && this._found.length) this._choose(0, t);
    this._takesFirst = false;
  }

  async _search() {
    clearTimeout(this._timer);
    this._abort?.abort();
    this._abort = new AbortController();
    const { signal } = this._abort;
    this._phase = 'loading';
    this._act.update();
    try {
      const found = await this._find(this._text.trim(), signal);
      if (signal.aborted) return;
      this._found = found;
      this._phase = 'ready';
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      this._found = [];
      this._phase = 'failed';
    }
    this._active = -1;
    this._act.update();
  }

  /** @param {string} text @param {AbortSignal} signal @returns {Promise<Suggestion[]>} */
  async _find(text, signal) {
    const found = await findPersons(this._act.session, this._kind, text, signal);
    // The API knows them by their English name only.
    const isMeant = text && this._deletedName.toLowerCase().includes(text.toLowerCase());
    if (!isMeant || found.some(({ ref }) => ref === DELETED_REF)) return found;
    const everybody = await findPersons(this._act.session, this._kind, '', signal);
    return [...found, ...everybody.filter(({ ref }) => ref === DELETED_REF)];
  }
}

/** *name* with what was searched for set off. @param {string} name @param {string} text */
function marked(name, text) {
  const [whole, part] = [name, text.trim()].map((one) => one.toLowerCase());
  const start = whole.length === name.length && part ? whole.indexOf(part) : -1;
  if (start < 0) return name;
  const end = start + part.length;
  return html`${name.slice(0, start)}<mark>${name.slice(start, end)}</mark>${name.slice(end)}`;
}
