// JSON to be looked at.
import { BIDI_CONTROLS } from './i18n.js';

/**
 * JSON whose invisible characters are escapes: the same value, and no name in it can reorder the line it stands on.
 * @param {unknown} value
 */
export function visibleJson(value) {
  return JSON.stringify(value, null, 2).replace(BIDI_CONTROLS, escaped);
}

/** @param {string} character */
const escaped = (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
