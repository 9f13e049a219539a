// The log behind the button: what opens, what the address says of it, and what is drawn.
//
// `session.js` reads the log, `actions.js` says what follows from what the reader does, and `view.js` and the modules that
// it names draw.
import { html } from './vendor/lit-html/lit-html.js';
import { Actions } from './actions.js';
import { drawer, lockScroll } from './drawer.js';
import { Drawing } from './drawing.js';
import { isLoaded, loadLanguage, Translator } from './i18n.js';
import { modelOf } from './model.js';
import { Session } from './session.js';
import { BASE_CSS } from './styles/base.js';
import { DRAWER_CSS } from './styles/drawer.js';
import { LIST_CSS } from './styles/list.js';
import { TABLE_CSS } from './styles/table.js';
import { localZone, zoneNamed } from './time.js';
import { isMarked, readUrl, writeUrl } from './url-sync.js';
import { content, newText } from './view.js';

const STYLES = [BASE_CSS, DRAWER_CSS, LIST_CSS, TABLE_CSS];
const KEY_EVENTS = ['keydown', 'keypress', 'keyup'];
/** In the state of a step of the history: how many steps before it the panel was closed. */
const STEPS = 'umlSteps';

/**
 * @typedef {object} Settings What the element's attributes say.
 * @property {string} tag The language that the page asks for.
 * @property {string} language The one that the panel speaks.
 * @property {string} apiBase
 * @property {string} timeZone Empty for the reader's.
 * @property {number} pollSeconds The default where it is no number above zero.
 * @property {boolean} canLink Whether the address may say what the panel shows.
 *
 * @typedef {object} Owner The element, as the log knows it.
 * @property {() => Settings} settings As they are now.
 * @property {(name: string, detail: object) => void} emit
 */

export class Log {
  /** @param {ShadowRoot} root The log is drawn at its end. @param {Owner} owner */
  constructor(root, owner) {
    this._root = root;
    this._owner = owner;
    this._drawing = new Drawing(root, () => this._template());
    this._session = new Session({
      onChange: () => this._drawing.update(),
      onError: (error) => this._actions.report(error),
      onRefs: () => this._writeUrl(),
      onDeletion: () => this._actions.forgetDeleted(),
      onRefusal: () => this._actions.menus?.stopExport(),
      onNews: () => this._t && this._actions.announce(newText({ t: this._t, list: this._session.list })),
    });
    /** @type {Actions} */
    this._actions = new Actions(this._session, {
      drawing: this._drawing,
      close: () => this.close(),
      onClosed: () => this._onCloseEvent(),
      refresh: () => this.refresh(),
      configure: () => this.configure(),
      writeUrl: (options) => this._writeUrl(options),
      emit: (name, detail) => this._emit(name, detail),
    });
    /** @type {Translator|null} */
    this._t = null;
    /** @type {import('./model.js').Rest|null} */
    this._rest = null;
    this._restFailed = false;
    this._pollSeconds = NaN;
    this._zoneRefused = '';
    this._unlockScroll = () => {};
    /** How many closings the dialog has yet to tell of. */
    this._closings = 0;
    /** @type {Promise<void>} */
    this._leaving = Promise.resolve();
    /** @type {(() => void)|null} Ends `_leaving`. */
    this._onLeft = null;
    this._onPopState = () => this._stepTaken();
    this._onOnline = () => void this.refresh();
    this._onPageHide = () => this._endVisit();
    this._onVisible = () => {
      if (this._session.isOpen && document.visibilityState === 'visible') void this._session.poll();
    };
    // The keys of an open panel are no shortcuts of the page's.
    for (const type of KEY_EVENTS) root.addEventListener(type, (event) => this._session.isOpen && event.stopPropagation());
    this.adoptStyles();
  }

  // ---- What the element hands on ----

  /**
   * @param {import('./tokens.js').GetToken|null} getToken
   * @param {Promise<string>} [begun] What it was asked for already.
   */
  setGetToken(getToken, begun) {
    const { tokens, list } = this._session;
    const isOther = getToken !== tokens.getToken;
    tokens.getToken = getToken;
    tokens.begun = begun;
    if (!isOther && list.error?.kind !== 'unauthenticated') return;
    // Perhaps those of another client space: nothing of the former one stays.
    if (isOther) this._actions.forgetAll();
    void this.refresh();
  }

  /** @param {import('./user-management-log.js').ShowOptions} options */
  show({ affectedUser = '' }) {
    if (affectedUser) this._actions.showUser(affectedUser);
    if (this._session.isOpen || !this._root.isConnected) return;
    this._session.isOpen = true;
    void this._open();
  }

  close() {
    const dialog = this._dialog();
    if (!dialog?.open) {
      this._session.isOpen = false;
      return;
    }
    this._closings += 1;
    dialog.close();
    this._onClosed();
  }

  async refresh() {
    const session = this._session;
    if (!session.isOpen) return;
    void session.beside?.loadMeta();
    await session.load();
  }

  connect() {
    addEventListener('popstate', this._onPopState);
    addEventListener('online', this._onOnline);
    addEventListener('pagehide', this._onPageHide);
    document.addEventListener('visibilitychange', this._onVisible);
    this.configure();
    if (isMarked(location.search)) this._readUrl();
  }

  disconnect() {
    removeEventListener('popstate', this._onPopState);
    removeEventListener('online', this._onOnline);
    removeEventListener('pagehide', this._onPageHide);
    document.removeEventListener('visibilitychange', this._onVisible);
    this._endVisit();
    this._actions.stop();
    this._session.isOpen = false;
    this._unlockScroll();
  }

  /** Take over the attributes and the zone; what it speaks changes as soon as the language is there. */
  configure() {
    const { apiBase, timeZone, pollSeconds, language } = this._owner.settings();
    const zone = zoneNamed(timeZone) || localZone();
    if (timeZone && !zoneNamed(timeZone) && timeZone !== this._zoneRefused) {
      this._zoneRefused = timeZone;
      console.warn(`<user-management-log>: ${timeZone} is no time zone that IANA names; ${zone} is used`);
    }
    this._session.configure({ apiBase, zone });
    if (!Object.is(pollSeconds, this._pollSeconds)) this._session.setPollSeconds((this._pollSeconds = pollSeconds));
    const isWhole = Boolean(this._rest);
    if (isLoaded(language, isWhole)) this._speak();
    else this._speaking = loadLanguage(language, isWhole).then(() => this._speak());
  }

  adoptStyles() {
    this._drawing.adopt([...STYLES, ...(this._rest?.REST_STYLES ?? [])]);
  }

  // ---- Opening and closing ----

  async _open() {
    await Promise.all([this._speaking, this._leaving]);
    if (!this._session.isOpen || !this._root.isConnected) return;
    this._drawing.now();
    this._dialog()?.showModal();
    this._unlockScroll();
    this._unlockScroll = lockScroll(document);
    this._writeUrl({ isStep: !isMarked(location.search) });
    this._emit('uml-open');
    // One after the other: the lines first.
    void this._session.load().then(() => this._session.beside?.loadMeta());
    this._session.startPolling();
  }

  /** A dialog tells later that it was closed; Forward may have opened it again by then. */
  _onCloseEvent() {
    if (this._closings) this._closings -= 1;
    else this._onClosed();
  }

  _onClosed() {
    this._endVisit();
    this._actions.stop();
    this._session.isOpen = false;
    this._unlockScroll();
    this._leaveHistory();
    this._drawing.update();
    this._emit('uml-close');
  }

  /** What comes from now on, the reader has not seen. */
  _endVisit() {
    const { isOpen, seenUntil } = this._session;
    if (isOpen && seenUntil) this._rest?.keepVisit(seenUntil);
  }

  /** @param {string} name @param {object} [detail] */
  _emit(name, detail = {}) {
    this._owner.emit(name, detail);
  }

  _speak() {
    const { tag, language } = this._owner.settings();
    if (!isLoaded(language, false)) return;
    this._t = new Translator(language, tag, this._session.zone);
    this._drawing.update();
  }

  // ---- Address ----

  get _canLink() {
    return this._owner.settings().canLink;
  }

  _readUrl() {
    if (!this._canLink || !this._root.isConnected) return;
    const found = readUrl(location.search);
    if (!found) {
      this.close();
      return;
    }
    this._actions.menus?.setDates(null);
    this._session.setFilters(found.filters);
    this._session.link(found.eventId);
    this.configure();
    if (this._session.isOpen) void this._session.load();
    else this.show({});
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
      this._onLeft = () => resolve();
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
    const rest = this._t.isWhole ? this._rest : null;
    const page = { t: this._t, canLink: this._canLink, rest, restFailed: this._restFailed };
    const [model, act] = [modelOf(this._session, this._actions, page), this._actions];
    const { t, isOpen, isSlow, rangeProblem } = model;
    // The first lines have the network to themselves, unless they are late or cannot be asked for.
    const isTime = model.list.phase === 'ready' || isSlow || rangeProblem;
    if (isOpen && isTime) void this._loadRest();
    return html`<div lang=${t.language} dir="ltr">${drawer(model, act, content)}</div>`;
  }

  /** The modules that the first lines do not need. */
  async _loadRest() {
    if (this._isLoadingRest) return;
    this._isLoadingRest = true;
    try {
      const [rest] = await Promise.all([import('./rest.js'), loadLanguage(this._owner.settings().language, true)]);
      this._actions.menus = new rest.Menus(this._actions);
      this._session.beside = new rest.Beside(this._session);
      if (this._session.isOpen) this._session.beside.readAll();
      this._rest = rest;
      this.adoptStyles();
      this.configure();
    } catch {
      // Another version may be served by now: only the page, loaded anew, can tell.
      this._restFailed = true;
    }
    this._drawing.update();
  }

  _dialog() {
    return /** @type {HTMLDialogElement|null} */ (this._drawing.find('dialog'));
  }
}
