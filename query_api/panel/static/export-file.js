// The file of an export, as the API gives it.
import { ApiError, isAbort, unreachable } from './api.js';

/** @typedef {'csv'|'jsonl'|'ocsf'|'xlsx'} ExportFormat */

/** @type {Record<ExportFormat, string>} */
const ACCEPTED = {
  csv: 'text/csv',
  jsonl: 'application/jsonl',
  ocsf: 'application/jsonl',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};
const LINE_FEED = 10;

/**
 * A file of everything that the filters match. It is whole or it is an error: a connection that breaks rejects.
 * @param {import('./session.js').Session} session
 * @param {ExportFormat} format
 * @param {string} lang In which people read it, at the clocks of the zone; empty for programs.
 * @param {{signal: AbortSignal, onProgress: (lines: number) => void}} options *onProgress*: so many lines are here.
 * @returns {Promise<{name: string, content: Blob}>}
 */
export async function exportFile(session, format, lang, { signal, onProgress }) {
  const parameters = session.query();
  Object.entries({ format, tz: session.zone, ...(lang && { lang }) }).forEach(([name, value]) => parameters.set(name, value));
  const response = await session.api.get('/v1/activities/export', parameters, { timeoutMs: 0, accept: ACCEPTED[format], signal });
  const named = /filename="([^"/\\]+)"/.exec(response.headers.get('Content-Disposition') ?? '');
  try {
    return { name: named?.[1] ?? `user-activity.${format}`, content: new Blob(await pieces(response, onProgress)) };
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(unreachable());
  }
}

/** What *response* brings, counted by its line feeds. @param {Response} response @param {(lines: number) => void} onProgress */
async function pieces(response, onProgress) {
  const [reader, found] = [/** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader(), /** @type {Uint8Array<ArrayBuffer>[]} */ ([])];
  let lines = 0;
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    found.push(read.value);
    for (const byte of read.value) lines += Number(byte === LINE_FEED);
    onProgress(lines);
  }
  return found;
}
