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

/** @param {Person} person @param {Translator} t */
export function personCell(person, t) {
  const name = nameOf(person, t);
  const isNameless = !person.deleted && !person.id && !person.username;
  const second = person.deleted ? handleOf(person) : person.username !== name && person.username;
  return html`<span class=${`person${person.deleted ? ' deleted' : ''}${isNameless ? ' nameless' : ''}`}>
    <bdi class="name" title=${name}>${name}</bdi>${second ? html`<span class="second"><bdi title=${second}>${second}</bdi></span>` : ''}
  </span>`;
}

/** What tells one deleted person from another: nothing of who it was. @param {Person} person */
export function handleOf({ ref, deleted }) {
  return deleted && ref !== DELETED_REF ? `#${ref.slice(0, 6)}` : '';
}
