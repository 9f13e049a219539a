// The query API, as far as the panel uses it. Every failure is an `ApiError` whose kind names a text of the panel.
import { intervalOf } from './time.js';

const TIMEOUT_MS = 20_000;
const FACETS = ['activity_type', 'channel', 'license'];

/**
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {{clamped: boolean, from: string}} PageMeta
 * @typedef {{etag: string, data: Activity[], page: {next_cursor: string|null}, meta: PageMeta}} Page
 * @typedef {{limit: number, cursor?: string|null, signal?: AbortSignal}} PageOptions
 * @typedef {{start: string, total: number, by_activity_type: Record<string, number>}} Bucket
 * @typedef {'activity_type'|'channel'|'license'} Facet
 * @typedef {Record<Facet, Record<string, number>>} Facets
 * @typedef {{interval: 'hour'|'day', buckets: Bucket[], total: number, facets: Facets, cut_facets?: Facet[]}} Stats *cut_facets* have further values.
 * @typedef {'unauthenticated'|'forbidden'|'not_found'|'invalid'|'rate_limited'|'unavailable'|'timeout'|'offline'
 *   |'unreachable'|'server'} ErrorKind
 */

const KINDS = /** @type {Record<number, ErrorKind>} */ ({
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  422: 'invalid',
  429: 'rate_limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'timeout',
});

export class ApiError extends Error {
  /**
   * @param {ErrorKind} kind
   * @param {{status?: number, requestId?: string, retryAfterSeconds?: number}} [facts]
   */
  constructor(kind, { status = 0, requestId = '', retryAfterSeconds = 0 } = {}) {
    super(kind);
    this.kind = kind;
    this.status = status;
    this.requestId = requestId;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether the reader may not read the log, or no longer. */
  get isRefusal() {
    return this.kind === 'unauthenticated' || this.kind === 'forbidden';
  }
}

/** @param {unknown} error */
export function isAbort(error) {
  return error instanceof DOMException && error.name === 'AbortError';
}

export class AuditApi {
  /**
   * @param {string} base Where the API is, without `/v1`.
   * @param {import('./tokens.js').TokenSource} tokens
   */
  constructor(base, tokens) {
    this._base = base.replace(/\/+$/, '');
    this._tokens = tokens;
  }

  /**
   * A page of the log.
   * @param {URLSearchParams} query
   * @param {PageOptions} options
   */
  async page(query, options) {
    return /** @type {Page} */ (await this.pageSince('', query, options));
  }

  /**
   * The same, or `null` where nothing changed since *etag*.
   * @param {string} etag
   * @param {URLSearchParams} query
   * @param {PageOptions} options
   * @returns {Promise<Page|null>}
   */
  async pageSince(etag, query, { limit, cursor, signal }) {
    const parameters = new URLSearchParams(query);
    parameters.set('limit', String(limit));
    if (cursor) parameters.set('cursor', cursor);
    const response = await this.get('/v1/activities', parameters, { signal, etag });
    if (response.status === 304) return null;
    return { etag: response.headers.get('ETag') ?? '', ...(await body(response)) };
  }

  /**
   * Counts by day, or by hour where the days are few, and of the values of filters.
   * @param {URLSearchParams} query
   * @param {string} zone
   * @param {AbortSignal} [signal]
   * @returns {Promise<Stats>}
   */
  async stats(query, zone, signal) {
    const parameters = new URLSearchParams(query);
    parameters.set('interval', intervalOf(query, new Date()));
    parameters.set('tz', zone);
    FACETS.forEach((name) => parameters.append('facet', name));
    return this.json('/v1/activities/stats', parameters, { signal });
  }

  /**
   * What the answer to a request says.
   * @param {string} path
   * @param {URLSearchParams} parameters
   * @param {{signal?: AbortSignal}} [options]
   */
  async json(path, parameters, options = {}) {
    return body(await this.get(path, parameters, options));
  }

  /**
   * One request with a token; where that is refused, once more with a new one.
   * @param {string} path
   * @param {URLSearchParams} parameters
   * @param {{signal?: AbortSignal, etag?: string, timeoutMs?: number, accept?: string}} options
   */
  async get(path, parameters, { timeoutMs = TIMEOUT_MS, accept = 'application/json', ...rest }) {
    const question = parameters.toString();
    const url = `${this._base}${path}${question ? `?${question}` : ''}`;
    const options = { timeoutMs, accept, ...rest };
    let response = await this._fetch(url, await this._token(false), options);
    if (response.status === 401) response = await this._fetch(url, await this._token(true), options);
    if (!response.ok && response.status !== 304) throw await errorOf(response);
    return response;
  }

  /** @param {boolean} force */
  async _token(force) {
    let token = '';
    try {
      token = await this._tokens.get({ force });
    } catch {
      // The host's endpoint failed: without a network it is the network, else the reader is signed out.
      if (!navigator.onLine) throw new ApiError('offline');
    }
    if (!token) throw new ApiError('unauthenticated', { status: 401 });
    return token;
  }

  /**
   * @param {string} url
   * @param {string} token
   * @param {{signal?: AbortSignal, etag?: string, timeoutMs: number, accept: string}} options
   */
  async _fetch(url, token, { signal, etag, timeoutMs, accept }) {
    const timeout = timeoutMs ? AbortSignal.timeout(timeoutMs) : undefined;
    const signals = [signal, timeout].filter((one) => one !== undefined);
    const headers = { Accept: accept, Authorization: `Bearer ${token}`, ...(etag && { 'If-None-Match': etag }) };
    try {
      // `no-store`: the browser keeps no copy of names that may be erased tomorrow, and `If-None-Match` is ours to send.
      return await fetch(url, { headers, signal: AbortSignal.any(signals), cache: 'no-store', credentials: 'omit' });
    } catch {
      if (signal?.aborted) throw new DOMException('superseded', 'AbortError');
      throw new ApiError(timeout?.aborted ? 'timeout' : unreachable());
    }
  }
}

/** Why nothing, or no more, came. @returns {ErrorKind} */
export function unreachable() {
  return navigator.onLine ? 'unreachable' : 'offline';
}

/** @param {Response} response */
async function body(response) {
  try {
    return await response.json();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError(unreachable(), { status: response.status });
  }
}

/** @param {Response} response */
async function errorOf(response) {
  const kind = KINDS[response.status] ?? 'server';
  let requestId = response.headers.get('X-Request-ID') ?? '';
  try {
    requestId = (await response.json()).request_id ?? requestId;
  } catch {
    // Not a problem document: a proxy may have answered.
  }
  const retryAfterSeconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10) || 0;
  return new ApiError(kind, { status: response.status, requestId, retryAfterSeconds });
}
