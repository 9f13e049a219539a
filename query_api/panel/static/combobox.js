// A multi-select combobox of people: list autocomplete with manual selection, as the ARIA practices describe it.
// Input, list and options share one shadow root, since `aria-activedescendant` does not reach out of it.
import { html } from './vendor/lit-html/lit-html.js';
import { isAbort } from './api.js';
import { breakable, nameOf, plainNameOf } from './person.js';

const DEBOUNCE_MS = 200;

/** @typedef {import('./state.js').Person & {activities: number}} Suggestion */

export class PersonPicker {
  /**
   * @param {import('./user-management-log.js').UserManagementLog} panel
   * @param {{name: 'affectedUsers'|'admins', kind: 'users'|'admins', label: string}} options
   */
  constructor(panel, { name, kind, label }) {
    this._panel = panel;
    this._name = name;
    this._kind = kind;
    this._label = label;
    this.reset();
  }

  /** Close, and forget every name. */
  reset() {
    clearTimeout(this._timer);
    this._abort?.abort();
    this.isOpen = false;
    this._text = '';
    /** @type {Suggestion[]} */
    this._found = [];
    this._active = -1;
    /** @type {'idle'|'loading'|'ready'|'failed'} */
    this._phase = 'idle';
  }

  template() {
    const { t } = this._panel;
    const id = this._name;
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
        @keydown=${this._onKey}
      />
      <div class="options" ?hidden=${!this.isOpen} @mousedown=${(event) => event.preventDefault()}>
        <div role="listbox" id=${`${id}-options`} aria-label=${t.text(this._label)} aria-multiselectable="true">
          ${this._found.map((person, index) => this._option(person, index))}
        </div>
        ${this._note() ? html`<p class="options-note">${this._note()}</p>` : ''}
      </div>
      <p class="hidden-text" role="status">${this.isOpen ? this._spoken() : ''}</p>
    </div>`;
  }

  /** @param {Suggestion} person @param {number} index */
  _option(person, index) {
    const { t, filters } = this._panel;
    const isChosen = filters[this._name].includes(person.ref);
    const name = nameOf(person, t);
    return html`<div
      role="option"
      id=${`${this._name}-${index}`}
      class="option"
      aria-selected=${isChosen}
      ?data-active=${index === this._active}
      @click=${() => this._choose(index)}
    >
      <span class="tick" aria-hidden="true">${isChosen ? '✓' : ''}</span>
      <span>
        <bdi>${name}</bdi>${person.username && person.username !== name
          ? html`<small><bdi>${breakable(person.username)}</bdi></small>`
          : ''}
      </span>
      <span class="count">${t.plural('picker.count', person.activities)}</span>
    </div>`;
  }

  _note() {
    const { t } = this._panel;
    if (this._phase === 'failed') return t.text('picker.failed');
    if (this._phase === 'loading' && !this._found.length) return t.text('picker.loading');
    return this._phase === 'ready' && !this._found.length ? t.text('picker.none') : '';
  }

  _spoken() {
    return this._note() || this._panel.t.plural('picker.found', this._found.length);
  }

  _open() {
    if (this.isOpen) return;
    this.isOpen = true;
    void this._search();
  }

  _close() {
    clearTimeout(this._timer);
    this._abort?.abort();
    this.isOpen = false;
    this._active = -1;
    // Names are not kept where nobody sees them: somebody may be deleted meanwhile.
    this._found = [];
    this._phase = 'idle';
    this._panel.update();
  }

  /** Ask again, since somebody was deleted. */
  forget() {
    this._found = [];
    if (this.isOpen) void this._search();
  }

  _onInput = (/** @type {InputEvent} */ event) => {
    this._text = /** @type {HTMLInputElement} */ (event.target).value;
    this._active = -1;
    this.isOpen = true;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this._search(), DEBOUNCE_MS);
    this._panel.update();
  };

  _onLeave = (/** @type {FocusEvent} */ event) => {
    const inside = /** @type {Element} */ (event.currentTarget);
    if (this.isOpen && !inside.contains(/** @type {Node|null} */ (event.relatedTarget))) this._close();
  };

  _onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Escape' && (this.isOpen || this._text)) {
      // The list takes this Escape; the next one is the dialog's.
      this._text = this.isOpen ? this._text : '';
      this._close();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      if (this.isOpen) this._move(event.key === 'ArrowDown' ? 1 : -1);
      else this._open();
    } else if (event.key === 'Enter' && this._active >= 0) {
      this._choose(this._active);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  /** @param {number} step */
  _move(step) {
    const count = this._found.length;
    if (!count) return;
    this._active = this._active < 0 && step < 0 ? count - 1 : (this._active + step + count) % count;
    this._panel.update();
    this._panel.afterUpdate(() => {
      this._panel.shadowRoot.getElementById(`${this._name}-${this._active}`)?.scrollIntoView({ block: 'nearest' });
    });
  }

  /** @param {number} index */
  _choose(index) {
    const person = this._found[index];
    const { t } = this._panel;
    this._panel.people.learn([person]);
    this._panel.toggle(this._name, person.ref);
    this._panel.announce(`${t.text(this._label)}: ${plainNameOf(person, t)}`);
  }

  async _search() {
    this._abort?.abort();
    this._abort = new AbortController();
    const { signal } = this._abort;
    this._phase = 'loading';
    this._panel.update();
    try {
      const found = await this._panel.api.people(this._kind, this._text.trim(), signal);
      if (signal.aborted) return;
      this._found = found;
      this._phase = 'ready';
    } catch (error) {
      if (isAbort(error) || signal.aborted) return;
      this._found = [];
      this._phase = 'failed';
    }
    this._active = -1;
    this._panel.update();
  }
}
