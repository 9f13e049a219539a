// A person, as a line shows them, and the ways that plain texts name them.
import { html } from './vendor/lit-html/lit-html.js';
import { isolated } from './i18n.js';
import { DELETED_REF } from './state.js';

/**
 * @typedef {import('./state.js').Person} Person
 * @typedef {import('./i18n.js').Translator} Translator
 */

const UNAVAILABLE = 'Name unavailable';

/** The one name to call a person by. @param {Person} person @param {Translator} t */
export function nameOf(person, t) {
  if (person.deleted) return t.text('person.deleted');
  if (person.display_name === UNAVAILABLE && !person.id) return t.text('person.unavailable');
  return person.display_name ?? person.username ?? person.id ?? t.text('person.unknown');
}

/** The same for plain texts. @param {Person} person @param {Translator} t */
export function plainNameOf(person, t) {
  return isolated(nameOf(person, t));
}

/**
 * A value that a click filters by. Keys and screen readers reach the same by the filters and by the buttons of the line's
 * details.
 * @param {Translator} t
 * @param {unknown} content
 * @param {() => void} onClick
 */
export function value(t, content, onClick) {
  return html`<span class="value" title=${t.text('detail.filter_value')} @click=${onClick}>${content}</span>`;
}

/** @param {Person} person @param {Translator} t @param {() => void} [onClick] Filters by the person. */
export function personCell(person, t, onClick) {
  const name = nameOf(person, t);
  const isNameless = !person.deleted && !person.id && !person.username;
  const second = person.deleted ? handleOf(person) : person.username !== name && person.username;
  const shown = html`<bdi class="name" title=${name}>${name}</bdi>`;
  return html`<span class=${`person${person.deleted ? ' deleted' : ''}${isNameless ? ' nameless' : ''}`}>
    ${onClick ? value(t, shown, onClick) : shown}${second ? html`<span class="second"><bdi title=${second}>${second}</bdi></span>` : ''}
  </span>`;
}

/** What tells one deleted person from another: nothing of who it was. @param {Person} person */
export function handleOf({ ref, deleted }) {
  return deleted && ref !== DELETED_REF ? `#${ref.slice(0, 6)}` : '';
}
