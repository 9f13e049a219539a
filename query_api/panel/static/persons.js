// Who is behind a ref, as far as the panel has seen, for as long as it may know.
import { DELETED_REF } from './state.js';

/** @typedef {import('./state.js').Person} Person */

export class KnownPersons {
  constructor() {
    /** @type {Map<string, Person>} */
    this._persons = new Map();
    /** @type {Set<string>} Refs of persons who were deleted while the panel was open. */
    this._erased = new Set();
  }

  /** @param {Iterable<Person>} persons */
  learn(persons) {
    for (const person of persons) if (!this._erased.has(person.ref)) this._persons.set(person.ref, person);
  }

  /**
   * Compare lines before and after they were read again, and forget everybody who was deleted in between. Lines that
   * a filter by person found, and finds no longer, were that person's.
   * @param {import('./state.js').Activity[]} before
   * @param {import('./state.js').Activity[]} after
   * @param {import('./state.js').Filters} filters Those that both were read with.
   * @returns {boolean} Whether there was anybody.
   */
  forgetDeleted(before, after, filters) {
    const now = new Map(after.map((line) => [line.event_id, line]));
    const sides = /** @type {const} */ ([
      ['affected_user', filters.affectedUsers],
      ['admin', filters.admins],
    ]);
    let found = false;
    for (const old of before) {
      const fresh = now.get(old.event_id);
      for (const [side, chosen] of sides) {
        const isGone = fresh ? fresh[side].deleted && !old[side].deleted : chosen.includes(old[side].ref);
        if (isGone) this.forget(old[side].ref);
        found ||= isGone;
      }
    }
    return found;
  }

  /** @param {string} ref */
  forget(ref) {
    this._erased.add(ref);
    this._persons.delete(ref);
  }

  /** Whether that person was deleted while the panel was open. @param {string} ref */
  isErased(ref) {
    return this._erased.has(ref);
  }

  /** @param {string} ref @returns {Person|null} */
  of(ref) {
    if (ref === DELETED_REF || this._erased.has(ref)) {
      return { ref: DELETED_REF, id: null, username: null, display_name: null, deleted: true };
    }
    return this._persons.get(ref) ?? null;
  }
}
