// The bearer token: asked of the host, kept in memory only, and renewed before it ends.

const RENEW_BEFORE_MS = 30_000;

/** @typedef {(request: {force: boolean}) => Promise<string>} GetToken */

export class TokenSource {
  constructor() {
    /** @type {GetToken|null} */
    this._getToken = null;
    /** Grows with each change of how the host gives tokens. What an earlier way still gives is of no use. */
    this.generation = 0;
    this._token = '';
    this._expiresAt = 0;
    /** @type {Promise<string>|null} */
    this._pending = null;
    /** @type {Promise<string>|undefined} The host's first token, where it was asked for before. */
    this.begun = undefined;
  }

  get getToken() {
    return this._getToken;
  }

  set getToken(getToken) {
    this._getToken = getToken;
    this.generation += 1;
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
    const { generation, _pending: pending } = this;
    try {
      const token = await pending;
      if (generation === this.generation) return token;
    } catch (error) {
      if (generation === this.generation) throw error;
    } finally {
      if (this._pending === pending) this._pending = null;
    }
    return this.get();
  }

  /** @param {boolean} force */
  async _ask(force) {
    const { generation, begun } = this;
    this.begun = undefined;
    const given = this.getToken ? await (begun ?? this.getToken({ force })) : '';
    const token = typeof given === 'string' ? given.trim() : '';
    if (generation === this.generation) {
      this._token = token;
      this._expiresAt = expiryOf(token);
    }
    return token;
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
