// The bearer token: asked of the host, kept in memory only, and renewed before it ends.

const RENEW_BEFORE_MS = 30_000;

/** @typedef {(request: {force: boolean}) => Promise<string>} GetToken */

export class TokenSource {
  constructor() {
    /** @type {GetToken|null} */
    this.getToken = null;
    this._token = '';
    this._expiresAt = 0;
    /** @type {Promise<string>|null} */
    this._pending = null;
  }

  /** Forget the token, for instance because the host changed how it gets one. */
  forget() {
    this._token = '';
    this._pending = null;
  }

  /**
   * A token that lasts a while longer. Requests that ask at once share one call of the host.
   * @param {{force?: boolean}} [options] *force* asks the host anew, whatever is kept.
   * @returns {Promise<string>} Empty where the host gives none.
   */
  async get({ force = false } = {}) {
    const isFresh = this._token && Date.now() < this._expiresAt - RENEW_BEFORE_MS;
    if (isFresh && !force) return this._token;
    this._pending ??= this._ask(force || Boolean(this._token));
    const pending = this._pending;
    try {
      return await pending;
    } finally {
      if (this._pending === pending) this._pending = null;
    }
  }

  /** @param {boolean} force */
  async _ask(force) {
    const given = this.getToken ? await this.getToken({ force }) : '';
    this._token = typeof given === 'string' ? given.trim() : '';
    this._expiresAt = expiryOf(this._token);
    return this._token;
  }
}

/**
 * When a JWT ends, in milliseconds. What is no JWT is asked for anew each time: only the API knows how long it lasts.
 * @param {string} token
 */
function expiryOf(token) {
  try {
    const body = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const { exp } = JSON.parse(atob(body));
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
