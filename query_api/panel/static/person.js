// A person, as a line shows them, and the ways that plain texts name them.
import { html } from './vendor/lit-html/lit-html.js';
import { isolated } from './i18n.js';

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
  const second = !person.deleted && person.username !== name ? person.username : null;
  return html`<span class=${`person${person.deleted ? ' deleted' : ''}${isNameless ? ' nameless' : ''}`}>
    <bdi class="name">${name}</bdi>${second ? html`<span class="second"><bdi>${breakable(second)}</bdi></span>` : ''}
  </span>`;
}

/** A username that breaks before its `@` rather than anywhere. @param {string} username */
export function breakable(username) {
  const at = username.indexOf('@');
  return at > 0 ? html`${username.slice(0, at)}<wbr />${username.slice(at)}` : username;
}
