// <user-management-log>: the button that opens the user-management log of a client space, and the log.
//
//   <script type="module" src="/panel/user-management-log.js"></script>
//   <user-management-log api-base="/audit-api" lang="fr"></user-management-log>
//   document.querySelector('user-management-log').getToken = async ({ force }) => '…';
//
// The element is what a page sees of it: attributes, methods, events, address. `session.js` reads the log, `actions.js`
// says what follows from what the reader does, and `view.js` and the modules that it names draw.
import { html } from './vendor/lit-html/lit-html.js';
import { Actions } from './actions.js';
import { drawer, lockScroll, openButton } from './drawer.js';
import { Drawing } from './drawing.js';
import { isLoaded, languageFor, languageOf, loadLanguage, Translator } from './i18n.js';
import { modelOf } from './model.js';
import { Session } from './session.js';
import { CSS } from './styles.js';
import { localZone, zoneNamed } from './time.js';
import { isMarked, readUrl, writeUrl } from './url-sync.js';
import { content, newText } from './view.js';

const KEY_EVENTS = ['keydown', 'keypress', 'keyup'];
/** In the state of a step of the history: how many steps before it the panel was closed. */
const STEPS = 'umlSteps';

export class UserManagementLog extends HTMLElement {
  static observedAttributes = ['api-base', 'lang', 'time-zone', 'poll-seconds'];

  constructor() {
    super();
    this._root = this.attachShadow({ mode: 'open' });
    this._drawing = new Drawing(this._root, () => this._template());
    /** @type {(event: Event) => void} The keys of an open panel are no shortcuts of the page's. */
    this._onKey = (event) => this._session.isOpen && event.stopPropagation();
    this._session = new Session({
      onChange: () => this._drawing.update(),
      onError: (error) => this._actions.report(error),
      onRefs: () => this._writeUrl(),
      onDeletion: () => this._actions.forgetDeleted(),
      onNews: () => this._t && this._actions.announce(newText({ t: this._t, list: this._session.list })),
    });
    /** @type {Actions} */
    this._actions = new Actions(this._session, {
      drawing: this._drawing,
      close: () => this.close(),
      onClosed: () => this._onClosed(),
      refresh: () => this.refresh(),
      configure: () => void this._configure(),
      writeUrl: (options) => this._writeUrl(options),
      emit: (name, detail) => this._emit(name, detail),
    });
    /** @type {Translator|null} */
    this._t = null;
    /** @type {import('./model.js').Rest|null} */
    this._rest = null;
    this._restFailed = false;
    this._unlockScroll = () => {};
    this._leaving = Promise.resolve();
    /** @type {(() => void)|null} Ends `_leaving`. */
    this._onLeft = null;
    this._onPopState = () => this._stepTaken();
    this._onOnline = () => void this.refresh();
    /** @type {(event: Event) => void} A click on what the page marks with a user's id. */
    this._onPageClick = ({ target }) => {
      const marked = target instanceof Element ? target.closest('[data-uml-user]') : null;
      if (marked) this.show({ affectedUser: marked.getAttribute('data-uml-user') ?? '' });
    };
    this._onVisible = () => {
      if (this._session.isOpen && document.visibilityState === 'visible') void this._session.poll();
    };
  }

  // ---- The element's interface ----

  /**
   * How the panel gets its token; set by the host, never an attribute.
   * @returns {import('./tokens.js').GetToken|null}
   */
  get getToken() {
    return this._session.tokens.getToken;
  }

  set getToken(getToken) {
    const { tokens, list } = this._session;
    const isOther = getToken !== tokens.getToken;
    tokens.getToken = getToken;
    if (!isOther && list.error?.kind !== 'unauthenticated') return;
    // Perhaps those of another client space: nothing of the former one stays.
    if (isOther) this._actions.forgetAll();
    void this.refresh();
  }

  /**
   * Open the drawer.
   * @param {{affectedUser?: string}} [options] *affectedUser*: the platform's id of a user; the panel shows what happened to them.
   */
  show({ affectedUser = '' } = {}) {
    if (affectedUser) this._actions.showUser(affectedUser);
    if (this._session.isOpen || !this.isConnected) return;
    this._session.isOpen = true;
    void this._open();
  }

  /** Close the drawer; the focus goes back to the button. */
  close() {
    const dialog = this._dialog();
    if (dialog?.open) dialog.close();
    else this._session.isOpen = false;
  }

  /** Load the log anew. */
  async refresh() {
    const session = this._session;
    if (!session.isOpen) return;
    if (session.scopes === null) void session.loadMeta();
    await session.load();
  }

  // ---- Life of the element ----

  connectedCallback() {
    this._upgradeGetToken();
    this._adoptStyles();
    addEventListener('popstate', this._onPopState);
    addEventListener('online', this._onOnline);
    document.addEventListener('click', this._onPageClick);
    for (const type of KEY_EVENTS) this._root.addEventListener(type, this._onKey);
    document.addEventListener('visibilitychange', this._onVisible);
    void this._configure().then(() => this._readUrl());
  }

  disconnectedCallback() {
    removeEventListener('popstate', this._onPopState);
    removeEventListener('online', this._onOnline);
    document.removeEventListener('click', this._onPageClick);
    document.removeEventListener('visibilitychange', this._onVisible);
    this._actions.stop();
    this._session.isOpen = false;
    this._unlockScroll();
  }

  adoptedCallback() {
    this._adoptStyles();
  }

  /** @param {string} name @param {string|null} before @param {string|null} after */
  attributeChangedCallback(name, before, after) {
    // A host may set what it was at each of its drawings: a poll must not be put off by that.
    if (before === after) return;
    if (name === 'poll-seconds') this._session.setPollSeconds(Number(after));
    else if (this.isConnected) void this._configure();
  }

  async _open() {
    await Promise.all([this._speaking, this._leaving]);
    if (!this._session.isOpen || !this.isConnected) return;
    this._drawing.now();
    this._dialog()?.showModal();
    this._unlockScroll();
    this._unlockScroll = lockScroll(document);
    this._writeUrl({ isStep: !isMarked(location.search) });
    this._emit('uml-open');
    // One after the other: the lines first.
    void this._session.load().then(() => this._session.loadMeta());
    this._session.startPolling();
  }

  _onClosed() {
    this._actions.stop();
    this._session.isOpen = false;
    this._unlockScroll();
    this._leaveHistory();
    this._drawing.update();
    this._emit('uml-close');
  }

  /** @param {string} name @param {object} [detail] */
  _emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }

  /** What the host set before this module was there hides the property. */
  _upgradeGetToken() {
    const own = Object.getOwnPropertyDescriptor(this, 'getToken');
    if (!own) return;
    Reflect.deleteProperty(this, 'getToken');
    this.getToken = own.value;
  }

  // ---- Attributes and address ----

  /** Take over the attributes and the zone; what it speaks changes as soon as the language is there. */
  async _configure() {
    const given = this.getAttribute('time-zone');
    const zone = zoneNamed(given ?? '') || localZone();
    if (given && !zoneNamed(given) && given !== this._zoneRefused) {
      this._zoneRefused = given;
      console.warn(`<user-management-log>: ${given} is no time zone that IANA names; ${zone} is used`);
    }
    this._session.configure({ apiBase: this.getAttribute('api-base') ?? '', zone });
    const language = languageFor(languageOf(this));
    if (isLoaded(language)) this._speak();
    else await (this._speaking = loadLanguage(language).then(() => this._speak()));
  }

  _speak() {
    if (!isLoaded(languageFor(languageOf(this)))) return;
    this._t = new Translator(languageOf(this), this._session.zone);
    this._drawing.update();
  }

  get _canLink() {
    return this.getAttribute('url-sync') !== 'off';
  }

  _readUrl() {
    if (!this._canLink || !this.isConnected) return;
    const found = readUrl(location.search);
    if (!found) {
      this.close();
      return;
    }
    this._actions.dates = null;
    this._session.setFilters(found.filters);
    this._session.link(found.eventId);
    void this._configure();
    if (this._session.isOpen) void this._session.load();
    else this.show();
  }

  /** @param {{isStep?: boolean}} [options] *isStep*: Back leads to how it is now. */
  _writeUrl({ isStep = false } = {}) {
    if (!this._canLink) return;
    const { isOpen, filters, linked } = this._session;
    const href = writeUrl(location.href, isOpen ? filters : null, linked?.id);
    if (href === location.href) return;
    if (isStep) history.pushState({ ...history.state, [STEPS]: this._steps + 1 }, '', href);
    else history.replaceState(history.state, '', href);
  }

  /** @returns {number} How many steps lead back to the page without the panel, or to the link that opened it. */
  get _steps() {
    return history.state?.[STEPS] ?? 0;
  }

  /** Go back to where the panel was opened: Back must not open it again. */
  _leaveHistory() {
    if (!this._canLink || !isMarked(location.search) || !this._steps) {
      this._writeUrl();
      return;
    }
    this._leaving = new Promise((resolve) => {
      this._onLeft = resolve;
    });
    history.go(-this._steps);
  }

  _stepTaken() {
    if (!this._onLeft) {
      this._readUrl();
      return;
    }
    this._onLeft();
    this._onLeft = null;
    // Where a link opened the panel, the address there still says so.
    this._writeUrl();
  }

  // ---- Drawing ----

  /** @returns {unknown} */
  _template() {
    if (!this._t) return '';
    const page = { t: this._t, canLink: this._canLink, rest: this._rest, restFailed: this._restFailed };
    const [model, act] = [modelOf(this._session, this._actions, page), this._actions];
    const { t, isOpen, isSlow, rangeProblem } = model;
    // The first lines have the network to themselves, unless they are late or cannot be asked for.
    const isTime = model.list.phase === 'ready' || isSlow || rangeProblem || model.exporting.isOpen;
    if (isOpen && isTime) void this._loadRest();
    return html`${openButton(t, () => this.show())}
      <div lang=${t.language} dir="ltr">${drawer(model, act, isOpen ? content(model, act) : '')}</div>`;
  }

  /** The modules that the first lines do not need. */
  async _loadRest() {
    if (this._isLoadingRest) return;
    this._isLoadingRest = true;
    try {
      const rest = await import('./rest.js');
      this._actions.pickers = rest.pickersOf(this._actions);
      this._rest = rest;
      this._adoptStyles();
    } catch {
      // Another version may be served by now: only the page, loaded anew, can tell.
      this._restFailed = true;
    }
    this._drawing.update();
  }

  _adoptStyles() {
    this._drawing.adopt(this._rest ? [CSS, this._rest.REST_CSS] : [CSS]);
  }

  _dialog() {
    return /** @type {HTMLDialogElement|null} */ (this._drawing.find('dialog'));
  }
}

customElements.define('user-management-log', UserManagementLog);
