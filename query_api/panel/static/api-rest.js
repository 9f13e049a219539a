// What only the modules behind the first lines ask of the query API. Errors as in `api.js`.
import { boundsOf } from './time.js';

/**
 * @typedef {import('./api.js').AuditApi} AuditApi
 * @typedef {{import_id: string, total: number, by_activity_type: Record<string, number>}} FileImport
 */

/**
 * What the token may do, how far the log reaches, and which licenses it names.
 * @param {AuditApi} api
 * @returns {Promise<{scopes: string[], retention_from: string, licenses: string[], has_more_licenses: boolean}>}
 */
export function metaOf(api) {
  return api.json('/v1/meta', new URLSearchParams());
}

/** @param {AuditApi} api @param {string} eventId @returns {Promise<import('./state.js').Activity>} */
export async function lineOf(api, eventId) {
  return (await api.json(`/v1/activities/${encodeURIComponent(eventId)}`, new URLSearchParams())).data;
}

/**
 * What the file imports did of which lines match, the latest first.
 * @param {AuditApi} api
 * @param {URLSearchParams} query
 * @returns {Promise<FileImport[]>}
 */
export async function importsOf(api, query, limit = 100) {
  const parameters = new URLSearchParams(query);
  parameters.set('limit', String(limit));
  return (await api.json('/v1/imports', parameters)).data;
}

/**
 * Persons by name, with what they did in the period of the filters.
 * @param {import('./session.js').Session} session
 * @param {'users'|'admins'} kind
 * @param {string} text
 * @param {AbortSignal} signal
 * @returns {Promise<import('./combobox.js').Suggestion[]>}
 */
export async function findPersons({ api, filters, zone }, kind, text, signal) {
  const parameters = new URLSearchParams({ limit: '10', ...boundsOf(filters, new Date(), zone) });
  if (text) parameters.set('q', text);
  return (await api.json(`/v1/${kind}`, parameters, { signal })).data;
}
