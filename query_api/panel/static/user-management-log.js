// <user-management-log>: the button that opens the user-management log of a client space.
//
//   <script type="module" src="/panel/user-management-log.js"></script>
//   <user-management-log api-base="/audit-api" lang="fr"></user-management-log>
//   document.querySelector('user-management-log').getToken = async ({ force }) => '…';
//
// A page pays for this module and what it imports. The log itself, `log.js`, comes once somebody is about to open it: the
// button is hovered over, focused or pressed, or the address asks for it.
import { BASE_CSS, styleSheet } from './styles/base.js';

/** The languages of the panel, and what the button says in each; `locales/` has the other texts. */
const LANGUAGES = {
  en: { open: 'User management log', failed: 'The log could not be loaded. Reload the page.' },
  fr: { open: 'Journal de gestion des utilisateurs', failed: 'Le journal n’a pas pu être chargé. Rechargez la page.' },
};
const FALLBACK = 'en';
const SHAPE = 'M3.5 2.5h9v11h-9zM6 5.5h4M6 8h4M6 10.5h2.5';
const NEARING = ['pointerover', 'pointerdown', 'focusin'];
/** What the page marks with a user's id: it opens the history of that user. */
const MARKED = '[data-uml-user]';

/** @typedef {{affectedUser?: string}} ShowOptions *affectedUser*: the platform's id of a user; the panel shows what happened to them. */

export class UserManagementLog extends HTMLElement {
  static observedAttributes = ['api-base', 'lang', 'time-zone', 'poll-seconds'];

  constructor() {
    super();
    this._root = this.attachShadow({ mode: 'open' });
    this._button = this._root.appendChild(openButton(() => this.show()));
    this._problem = this._root.appendChild(Object.assign(document.createElement('p'), { className: 'problem' }));
    this._problem.setAttribute('role', 'alert');
    /** @type {import('./log.js').Log|null} */
    this._log = null;
    /** @type {Promise<import('./log.js').Log>|null} */
    this._loading = null;
    /** @type {import('./tokens.js').GetToken|null} */
    this._getToken = null;
    /** @type {Promise<string>|undefined} Asked for before there is a log that needs it. */
    this._token = undefined;
    this._isNear = false;
    /** How often the panel was closed: what was asked for before that is no longer wanted. */
    this._closings = 0;
    this._onNear = (/** @type {Event} */ event) => this._prepare(event);
    this._onClick = (/** @type {Event} */ event) => {
      const marked = markedIn(event);
      if (marked) this.show({ affectedUser: marked.getAttribute('data-uml-user') ?? '' });
    };
    this._onPopState = () => this._readUrl();
  }

  // ---- The element's interface ----

  /**
   * How the panel gets its token; set by the host, never an attribute.
   * @returns {import('./tokens.js').GetToken|null}
   */
  get getToken() {
    return this._getToken;
  }

  set getToken(getToken) {
    this._getToken = getToken;
    this._token = undefined;
    this._log?.setGetToken(getToken);
  }

  /** Open the drawer. @param {ShowOptions} [options] */
  show(options = {}) {
    if (this._log) {
      this._log.show(options);
      return;
    }
    const closings = this._closings;
    this._button.ariaBusy = 'true';
    this._say('');
    this._askForToken();
    void this._load().then(
      (log) => closings === this._closings && log.show(options),
      // Another version may be served by now, or the network be gone: only the page, loaded anew, can tell.
      () => this._say(this._words.failed),
    ).finally(() => {
      this._button.ariaBusy = null;
    });
  }

  /** Close the drawer; the focus goes back to the button. */
  close() {
    this._closings += 1;
    this._log?.close();
  }

  /** Load the log anew. */
  async refresh() {
    await this._log?.refresh();
  }

  // ---- Life of the element ----

  connectedCallback() {
    this._upgradeGetToken();
    this._adoptStyles();
    this._draw();
    for (const type of NEARING) document.addEventListener(type, this._onNear);
    document.addEventListener('click', this._onClick);
    addEventListener('popstate', this._onPopState);
    this._log?.connect();
    this._readUrl();
  }

  disconnectedCallback() {
    for (const type of NEARING) document.removeEventListener(type, this._onNear);
    document.removeEventListener('click', this._onClick);
    removeEventListener('popstate', this._onPopState);
    this._closings += 1;
    this._log?.disconnect();
  }

  adoptedCallback() {
    this._adoptStyles();
  }

  /** @param {string} _name @param {string|null} before @param {string|null} after */
  attributeChangedCallback(_name, before, after) {
    // A host may set what it was at each of its drawings: a poll must not be put off by that.
    if (before === after || !this.isConnected) return;
    this._draw();
    this._log?.configure();
  }

  /** What the host set before this module was there hides the property. */
  _upgradeGetToken() {
    const own = Object.getOwnPropertyDescriptor(this, 'getToken');
    if (!own) return;
    Reflect.deleteProperty(this, 'getToken');
    this.getToken = own.value;
  }

  _adoptStyles() {
    if (this._log) this._log.adoptStyles();
    else if (this.ownerDocument.defaultView) this._root.adoptedStyleSheets = [styleSheet(this.ownerDocument.defaultView, BASE_CSS)];
  }

  // ---- The button ----

  get _words() {
    return LANGUAGES[languageFor(languageOf(this))];
  }

  _draw() {
    this._button.lang = languageFor(languageOf(this));
    this._button.lastElementChild?.replaceChildren(this._words.open);
  }

  /** @param {string} text What is wrong; nothing where it is empty. */
  _say(text) {
    this._problem.textContent = text;
  }

  // ---- The log ----

  /** Somebody is about to open the log, perhaps. @param {Event} event */
  _prepare(event) {
    if (this._isNear || !(event.composedPath().includes(this) || markedIn(event))) return;
    this._isNear = true;
    // Whoever presses the button is told.
    this._load().catch(() => {});
  }

  /** An address that may ask for the log; the log itself reads it. */
  _readUrl() {
    if (this._log || !/[?&]uml=1(&|$)/.test(location.search) || this.getAttribute('url-sync') === 'off') return;
    this._load().catch(() => this._say(this._words.failed));
  }

  /** The host gives a token while the log is loaded; where it fails, the log says so. */
  _askForToken() {
    const getToken = this._getToken;
    this._token ??= getToken ? (async () => getToken({ force: false }))() : undefined;
    this._token?.catch(() => {});
  }

  _load() {
    this._loading ??= this._import().catch((error) => {
      this._loading = null;
      this._token = undefined;
      throw error;
    });
    return this._loading;
  }

  async _import() {
    // All that the log waits for, asked for at once.
    const [{ Log }] = await Promise.all([
      import('./log.js'),
      import('./vendor/lit-html/lit-html.js'),
      import(`./locales/${languageFor(languageOf(this))}.js`),
    ]);
    this._log = new Log(this._root, {
      settings: () => this._settings(),
      emit: (name, detail) => this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail })),
    });
    this._log.setGetToken(this._getToken, this._token);
    if (this.isConnected) this._log.connect();
    return this._log;
  }

  _settings() {
    const tag = languageOf(this);
    return {
      tag,
      language: languageFor(tag),
      apiBase: this.getAttribute('api-base') ?? '',
      timeZone: this.getAttribute('time-zone') ?? '',
      pollSeconds: Number(this.getAttribute('poll-seconds')),
      canLink: this.getAttribute('url-sync') !== 'off',
    };
  }
}

/** @param {() => void} onClick */
function openButton(onClick) {
  const button = Object.assign(document.createElement('button'), { type: 'button', id: 'open', dir: 'ltr' });
  button.setAttribute('part', 'button');
  button.setAttribute('aria-haspopup', 'dialog');
  button.append(drawn('svg', ICON), document.createElement('span'));
  button.firstElementChild?.append(drawn('path', { d: SHAPE }));
  button.addEventListener('click', onClick);
  return button;
}

const ICON = { class: 'icon', viewBox: '0 0 16 16', width: '16', height: '16', 'aria-hidden': 'true', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.6', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };

/** @param {string} name @param {Record<string, string>} attributes */
function drawn(name, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  return element;
}

/** @param {Event} event */
function markedIn({ target }) {
  return target instanceof Element ? target.closest(MARKED) : null;
}

/** The panel's language for a tag such as `fr-CA`; for a language that it lacks, English. @param {string} tag */
export function languageFor(tag) {
  const language = tag.toLowerCase().split('-')[0];
  return /** @type {keyof typeof LANGUAGES} */ (Object.hasOwn(LANGUAGES, language) ? language : FALLBACK);
}

/**
 * The language tag that *element* speaks: its own `lang`, else that of the nearest ancestor, shadow roots included.
 * @param {Element} element
 * @returns {string}
 */
export function languageOf(element) {
  for (let node = /** @type {any} */ (element); node; node = node.parentNode ?? node.host) {
    const lang = node.getAttribute?.('lang');
    if (lang) return lang;
  }
  return FALLBACK;
}

customElements.define('user-management-log', UserManagementLog);
