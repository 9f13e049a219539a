// <user-management-log>: the button that opens the user-management log of a client space, and the log.
//
//   <script type="module" src="/panel/user-management-log.js"></script>
//   <user-management-log api-base="/audit-api" lang="fr"></user-management-log>
//   document.querySelector('user-management-log').getToken = async ({ force }) => '…';
//
// The element holds the state and says what follows from each action; the modules beside it draw it.
import { html, render } from './vendor/lit-html/lit-html.js';
import { ActivityList, MAX_SHOWN, PAGE_SIZE } from './activity-list.js';
import { ApiError, AuditApi, isAbort } from './api.js';
import { chipBar } from './chips.js';
import { drawer } from './drawer.js';
import { ICONS } from './icons.js';
import { isLoaded, languageFor, languageOf, loadLanguage, Translator } from './i18n.js';
import { emptyState, errorState, skeleton } from './messages.js';
import { KnownPeople } from './people.js';
import { cleared, dailyCounts, defaultFilters, rangeProblem, toggled, toQuery } from './state.js';
import { CSS, styleSheet } from './styles.js';
import { activityTable } from './table.js';
import { dayOf, daysOf, isZone, localZone, offsetLabel } from './time.js';
import { TokenSource } from './tokens.js';
import { readUrl, writeUrl } from './url-sync.js';

const POLL_SECONDS = 20;
const SKELETON_AFTER_MS = 150;
const ANNOUNCED_MS = 4_000;

export class UserManagementLog extends HTMLElement {
  static observedAttributes = ['api-base', 'lang', 'time-zone', 'poll-seconds'];

  constructor() {
    super();
    this.attachShadow({ mode: 'open' });
    this._tokens = new TokenSource();
    this.api = new AuditApi('', this._tokens);
    this.list = new ActivityList(() => this.api, () => this._onListChange());
    this.people = new KnownPeople();
    this.filters = defaultFilters();
    this.isOpen = false;
    this.announcement = '';
    /** @type {Set<string>} */
    this.expanded = new Set();
    this.filtersUnfolded = false;
    /** @type {[number, number]|null} */
    this.drag = null;
    this.exporting = { isOpen: false, isRunning: false, error: '' };
    /** @type {string[]|null} What the token may do, once that is known. */
    this.scopes = null;
    /** @type {typeof import('./rest.js')|null} */
    this.rest = null;
    /** @type {Translator|null} */
    this.t = null;
    this.retentionDay = '';
    /** @type {{id: string, line: import('./state.js').Activity|null, error: ApiError|null, isLoading: boolean}|null} */
    this.linked = null;
    /** @type {import('./combobox.js').PersonPicker[]} */
    this.pickers = [];
    /** @type {(() => void)[]} */
    this._afterUpdate = [];
  }

  // ---- The element's interface ----

  /**
   * How the panel gets its token; set by the host, never an attribute.
   * @returns {import('./tokens.js').GetToken|null}
   */
  get getToken() {
    return this._tokens.getToken;
  }

  set getToken(getToken) {
    const isOther = getToken !== this._tokens.getToken;
    this._tokens.getToken = getToken;
    if (!isOther && this.list.error?.kind !== 'unauthenticated') return;
    // Perhaps those of another client space: nothing of the former one stays.
    if (isOther) this._forgetAll();
    void this.refresh();
  }

  /** Open the drawer. */
  show() {
    if (this.isOpen || !this.isConnected) return;
    this.isOpen = true;
    void this._open();
  }

  /** Close the drawer; the focus goes back to the button. */
  close() {
    if (this._dialog()?.open) this._dialog().close();
    else this.isOpen = false;
  }

  /** Load the log anew. */
  async refresh() {
    if (!this.isOpen) return;
    if (this.scopes === null) void this._loadMeta();
    await this._load();
  }

  // ---- Life of the element ----

  connectedCallback() {
    this._upgradeProperty('getToken');
    this._adoptStyles();
    this._onPopState = () => this._readUrl();
    this._onOnline = () => this.isOpen && void this.refresh();
    this._onVisible = () => this.isOpen && document.visibilityState === 'visible' && void this._pollNow();
    addEventListener('popstate', this._onPopState);
    addEventListener('online', this._onOnline);
    document.addEventListener('visibilitychange', this._onVisible);
    void this._configure().then(() => this._readUrl());
  }

  disconnectedCallback() {
    removeEventListener('popstate', this._onPopState);
    removeEventListener('online', this._onOnline);
    document.removeEventListener('visibilitychange', this._onVisible);
    this._stop();
    this.isOpen = false;
  }

  adoptedCallback() {
    this._adoptStyles();
  }

  /** @param {string} name @param {string|null} before @param {string|null} after */
  attributeChangedCallback(name, before, after) {
    // A host may set what it was at each of its drawings: a poll must not be put off by that.
    if (before === after) return;
    if (name !== 'poll-seconds') {
      if (this.isConnected) void this._configure();
    } else if (this.isOpen) {
      this._poll();
    }
  }

  // ---- What the modules that draw may ask ----

  /** The zone of every time that is shown. */
  get zone() {
    return this.filters.zone === 'utc' ? 'UTC' : this.localZone;
  }

  /** The zone that the page names, or else the reader's. */
  get localZone() {
    const given = this.getAttribute('time-zone');
    return given && isZone(given) ? given : localZone();
  }

  /** Whether addresses of this page can lead to a line. */
  get canLink() {
    return this.getAttribute('url-sync') !== 'off';
  }

  /** The period in words. */
  periodName() {
    const { range, from, to } = this.filters;
    const { t } = this;
    if (range !== 'custom') return t.text(`range.${range}`);
    if (from && to) return t.text('range.from_to', { from: t.day(from), to: t.day(to) });
    if (from) return t.text('range.from', { from: t.day(from) });
    return to ? t.text('range.to', { to: t.day(to) }) : t.text('range.12m');
  }

  /** The period as days, and the zone that its days begin in. */
  periodTexts() {
    const { t, zone } = this;
    const now = new Date();
    const { first, last } = daysOf(this.filters, now, zone);
    const [from, until] = [first || this.retentionDay, last || dayOf(now, zone)];
    const days = from ? t.text('range.from_to', { from: t.day(from), to: t.day(until) }) : this.periodName();
    const zoneName = zone === 'UTC' ? 'UTC' : `${zone.replaceAll('_', ' ')}, ${offsetLabel(now, zone)}`;
    return [from === until ? t.day(until) : days, zoneName];
  }

  /** @param {string} eventId */
  linkTo(eventId) {
    return writeUrl(location.href, this.filters, eventId);
  }

  /**
   * What *draw* makes of the modules that come behind the first lines; *waiting*, until they are there.
   * @param {(rest: typeof import('./rest.js')) => unknown} draw
   */
  withRest(draw, waiting = /** @type {unknown} */ ('')) {
    if (this.rest) return draw(this.rest);
    if (this._restFailed) return html`<p class="hint problem">${this.t.text('rest.failed')}</p>`;
    if (this.list.phase === 'ready' || this._isSlow || this.exporting.isOpen) void this._loadRest();
    return waiting;
  }

  query() {
    return toQuery(this.filters, new Date(), this.zone);
  }

  /** @param {ApiError} error */
  report(error) {
    const { kind, status, requestId } = error;
    if (kind === 'unauthenticated') this.emit('uml-auth-required');
    this.emit('uml-error', { kind, status, requestId });
  }

  /** @param {string} name @param {object} [detail] */
  emit(name, detail = {}) {
    this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, detail }));
  }

  /** @param {string} selector Whatever fits it after the next drawing. */
  focusOn(selector) {
    this.afterUpdate(() => /** @type {HTMLElement|null} */ (this.shadowRoot.querySelector(selector))?.focus());
  }

  // ---- What the reader does ----

  /** @param {import('./state.js').Filters} filters */
  setFilters(filters) {
    if (filters.range === 'custom' && this.filters.range !== 'custom' && !filters.from && !filters.to) {
      // Custom dates begin with those of the period before.
      const { first } = daysOf(this.filters, new Date(), this.zone);
      filters = { ...filters, from: first || this.retentionDay, to: dayOf(new Date(), this.zone) };
    }
    this.filters = filters;
    void this._configure();
    this._writeUrl();
    this.emit('uml-filter-change', { filters: structuredClone(filters) });
    void this._load();
  }

  /** @param {import('./state.js').ListName} name @param {string} value */
  toggle(name, value) {
    this.setFilters(toggled(this.filters, name, value));
  }

  /** @param {'affectedUsers'|'admins'} name @param {string} ref */
  showOnly(name, ref) {
    this.expanded.clear();
    this.setFilters({ ...this.filters, [name]: [ref] });
    this.focusOn('#title');
  }

  /** Everything of one file import, whatever was filtered before. @param {string} id */
  showImport(id) {
    this.expanded.clear();
    this.setFilters({ ...cleared(this.filters), range: '12m', imports: [id] });
    this.focusOn('#title');
  }

  clearFilters() {
    this.pickers.forEach((picker) => picker.reset());
    this.setFilters(cleared(this.filters));
    this.focusOn('#title');
  }

  /** @param {import('./state.js').Filters} filters */
  removeChip(filters) {
    this.setFilters(filters);
    this.focusOn('.chips button, #title');
  }

  foldFilters() {
    this.filtersUnfolded = !this.filtersUnfolded;
    this.update();
  }

  /** @param {[number, number]|null} drag */
  setDrag(drag) {
    this.drag = drag;
    this.update();
  }

  /** @param {string} eventId */
  expand(eventId) {
    if (!this.expanded.delete(eventId)) this.expanded.add(eventId);
    this.update();
  }

  async loadMore() {
    const first = await this.list.loadMore();
    if (first) this.focusOn(`[id="toggle-${first}"]`);
  }

  /** Take in the lines that are new. */
  async showNew() {
    await this._load();
    this.focusOn('tr.line button');
  }

  /** @param {Partial<{isOpen: boolean, isRunning: boolean, error: string}>} change */
  setExport(change) {
    this.exporting = { ...this.exporting, ...change };
    this.update();
  }

  closeLinked() {
    this.linked = null;
    this._writeUrl();
    this.focusOn('#title');
  }

  onClosed() {
    this._stop();
    this.isOpen = false;
    this._writeUrl();
    this.update();
    this.emit('uml-close');
  }

  /**
   * Say something to those who listen, and, if *visibly*, show it. It goes after a while: it may hold a name.
   * @param {string} text
   */
  announce(text, { visibly = false } = {}) {
    this.announcement = text;
    this.toast = visibly ? text : '';
    clearTimeout(this._announceTimer);
    if (text) this._announceTimer = setTimeout(() => this.announce(''), ANNOUNCED_MS);
    this.update();
  }

  // ---- Drawing ----

  /** Draw soon, once for any number of changes. */
  update() {
    if (this._isScheduled) return;
    this._isScheduled = true;
    queueMicrotask(() => {
      this._isScheduled = false;
      if (this.isConnected) this._renderNow();
    });
  }

  /** @param {() => void} work Done after the next drawing. */
  afterUpdate(work) {
    this._afterUpdate.push(work);
    this.update();
  }

  _renderNow() {
    const { t } = this;
    if (!t) return;
    const button = html`<button
      type="button"
      id="open"
      part="button"
      aria-haspopup="dialog"
      lang=${t.language}
      @click=${() => this.show()}
    >
      ${ICONS.log}<span>${t.text('drawer.open')}</span>
    </button>`;
    render(html`${button}<div lang=${t.language}>${drawer(this, this.isOpen ? this._content() : '')}</div>`, this.shadowRoot);
    this._afterUpdate.splice(0).forEach((work) => work());
  }

  _content() {
    const { t, list } = this;
    const days = daysOf(this.filters, new Date(), this.zone);
    const counts = list.stats ? dailyCounts(list.stats.buckets, days, this.zone, new Date()) : [];
    return html`${this.withRest(({ filterBar }) => filterBar(this), html`<div class="filters-waiting"></div>`)}
      ${chipBar(this)} ${this._linkedLine()}
      ${this._restFailed ? '' : this.withRest(({ histogram }) => histogram(this, counts), html`<div class="histogram"></div>`)}
      <div class="summary">
        <p role="status" id="count">${this._countText()}</p>
        ${this.toast ? html`<p aria-hidden="true" class="second">${this.toast}</p>` : ''}
        ${list.newCount
          ? html`<button type="button" class="primary" id="new" @click=${() => this.showNew()}>
              ${ICONS.refresh}${this._newText()}
            </button>`
          : ''}
      </div>
      <div class="frame" aria-busy=${list.phase === 'loading' || list.phase === 'more'}>${this._lines()}</div>`;
  }

  _lines() {
    const { t, list } = this;
    const { error, lines } = list;
    if (!lines.length) {
      if (error) return errorState(this, error, { isAbove: false });
      if (list.phase === 'ready') return emptyState(this);
      return this._isSlow ? skeleton(this) : '';
    }
    return html`${error ? errorState(this, error, { isAbove: true }) : ''}
      ${activityTable(this, lines, t.text('list.caption'))} ${this._more()}`;
  }

  _more() {
    const { t, list } = this;
    if (list.canLoadMore) {
      return html`<div class="more">
        <button type="button" id="more" aria-disabled=${!list.isSettled} @click=${() => this.loadMore()}>
          ${list.phase === 'more' ? t.text('list.loading') : t.text('list.more', { count: t.number(PAGE_SIZE) })}
        </button>
      </div>`;
    }
    return list.cursor ? html`<p class="more">${t.text('list.limit', { count: t.number(MAX_SHOWN) })}</p>` : '';
  }

  _linkedLine() {
    const { t, linked } = this;
    if (!linked || (!linked.line && !linked.error)) return '';
    return html`<section class="linked" aria-labelledby="linked">
      <div class="head">
        <h3 id="linked">${t.text('list.linked')}</h3>
        <button type="button" class="square" aria-label=${t.text('list.linked_close')} @click=${() => this.closeLinked()}>
          ${ICONS.close}
        </button>
      </div>
      ${linked.line ? activityTable(this, [linked.line], t.text('list.linked')) : errorState(this, linked.error, { isAbove: true })}
    </section>`;
  }

  _countText() {
    const { t, list } = this;
    if (list.phase === 'loading' && this._isSlow) return t.text('list.loading');
    // Said once, when both numbers are known.
    if (!list.lines.length || (list.isCounting && !list.error)) return '';
    const shown = list.lines.length;
    if (!list.stats || list.isCounting) return t.plural('list.shown_alone', shown);
    // Lines that are counted but wait behind the button are part of the total.
    return t.text('list.shown', { total: t.plural('list.count', Math.max(list.stats.total, shown)), shown: t.number(shown) });
  }

  _newText() {
    const { newCount, newCountIsExact } = this.list;
    return newCountIsExact
      ? this.t.plural('list.new', newCount)
      : this.t.text('list.new_at_least', { count: this.t.number(newCount) });
  }

  // ---- Loading ----

  async _open() {
    await this._speaking;
    if (!this.isOpen || !this.isConnected) return;
    this._renderNow();
    this._dialog().showModal();
    this._writeUrl();
    this.emit('uml-open');
    // One after the other: the lines first.
    void this._load().then(() => this._loadMeta());
    this._poll();
  }

  /** The modules that the first lines do not need. */
  async _loadRest() {
    if (this._isLoadingRest) return;
    this._isLoadingRest = true;
    try {
      const rest = await import('./rest.js');
      this.pickers = rest.pickersOf(this);
      this.rest = rest;
      this._adoptStyles();
    } catch {
      // Another version may be served by now: only the page, loaded anew, can tell.
      this._restFailed = true;
    }
    this.update();
  }

  async _load() {
    if (rangeProblem(this.filters, this.retentionDay)) {
      void this._loadRest();
      this.update();
      return;
    }
    this._isSlow = false;
    clearTimeout(this._slowTimer);
    this._slowTimer = setTimeout(() => {
      this._isSlow = true;
      this.update();
    }, SKELETON_AFTER_MS);
    const before = this.list.lines;
    await this.list.load(this.query(), this.zone);
    this._afterLoad(before, defaultFilters());
    void this._loadLinked();
  }

  async _pollNow() {
    const before = this.list.lines;
    const newBefore = this.list.newCount;
    const isSame = await this.list.poll();
    this._afterLoad(before, isSame ? this.filters : defaultFilters());
    void this._loadLinked();
    if (this.list.newCount > newBefore) this.announce(this._newText());
  }

  _poll() {
    const given = Number(this.getAttribute('poll-seconds'));
    const wait = Math.max(given > 0 ? given : POLL_SECONDS, this.list.error?.retryAfterSeconds ?? 0);
    clearTimeout(this._pollTimer);
    this._pollTimer = setTimeout(async () => {
      if (!this.isOpen) return;
      if (document.visibilityState === 'visible') await this._pollNow();
      this._poll();
    }, wait * 1000);
  }

  /**
   * @param {import('./state.js').Activity[]} before
   * @param {import('./state.js').Filters} filters What the lines before and those that came now have in common.
   */
  _afterLoad(before, filters) {
    const { list } = this;
    this._forgetDeleted(before, list.lines, filters);
    this.people.learn(list.lines.flatMap((line) => [line.affected_user, line.admin]));
    if (list.meta?.clamped) this.retentionDay ||= dayOf(new Date(list.meta.from), this.zone);
    if (list.error && list.error !== this._reported) this.report(list.error);
    this._reported = list.error;
    this.update();
  }

  /** @type {KnownPeople['forgetDeleted']} */
  _forgetDeleted(before, after, filters) {
    if (!this.people.forgetDeleted(before, after, filters)) return;
    this.pickers.forEach((picker) => picker.forget());
    this.announce('');
  }

  async _loadMeta() {
    const { generation } = this._tokens;
    try {
      const meta = await this.api.meta();
      if (generation !== this._tokens.generation) return;
      this.scopes = meta.scopes;
      // The day of the edge is already cut: the first whole day is the next.
      this.retentionDay = dayOf(new Date(meta.retention_from), this.zone);
    } catch (error) {
      // Not needed to read the log: the list's own error says what is wrong.
      if (!(error instanceof ApiError) && !isAbort(error)) throw error;
    }
    this.update();
  }

  /** One at a time: an older answer must not follow a newer one, nor open again what the reader closed meanwhile. */
  async _loadLinked() {
    const { linked } = this;
    if (!linked || linked.isLoading) return;
    linked.isLoading = true;
    const before = linked.line;
    try {
      linked.line = await this.api.line(linked.id);
      linked.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      linked.error = error;
      if (error.kind === 'not_found') linked.line = null;
    } finally {
      linked.isLoading = false;
    }
    if (linked !== this.linked) return;
    if (!before && linked.line) this.expanded.add(linked.id);
    if (before && linked.line) this._forgetDeleted([before], [linked.line], this.filters);
    this.update();
  }

  // ---- Small things ----

  _onListChange() {
    this.update();
  }

  _stop() {
    clearTimeout(this._pollTimer);
    clearTimeout(this._slowTimer);
    clearTimeout(this._announceTimer);
    this._forgetAll();
    this.linked = null;
  }

  /** Everything that was read. */
  _forgetAll() {
    this.pickers.forEach((picker) => picker.reset());
    this.list.reset();
    this.people = new KnownPeople();
    this.expanded.clear();
    if (this.linked) this.linked = { id: this.linked.id, line: null, error: null, isLoading: false };
    this.scopes = null;
    this.retentionDay = '';
    this.announcement = '';
    this.toast = '';
    this.exporting = { isOpen: false, isRunning: false, error: '' };
  }

  /** Take over the attributes and the zone; what it speaks changes as soon as the language is there. */
  async _configure() {
    this.api = new AuditApi(this.getAttribute('api-base') ?? '', this._tokens);
    const language = languageFor(languageOf(this));
    if (isLoaded(language)) this._speak();
    else await (this._speaking = loadLanguage(language).then(() => this._speak()));
  }

  _speak() {
    if (!isLoaded(languageFor(languageOf(this)))) return;
    this.t = new Translator(languageOf(this), this.zone);
    this.update();
  }

  _adoptStyles() {
    const view = this.ownerDocument.defaultView;
    const sheets = this.rest ? [CSS, this.rest.REST_CSS] : [CSS];
    if (view) this.shadowRoot.adoptedStyleSheets = sheets.map((css) => styleSheet(view, css));
  }

  _readUrl() {
    if (!this.canLink || !this.isConnected) return;
    const found = readUrl(location.search);
    if (!found) {
      this.close();
      return;
    }
    this.filters = found.filters;
    this.linked = found.eventId ? { id: found.eventId, line: null, error: null, isLoading: false } : null;
    void this._configure();
    if (this.isOpen) void this._load();
    else this.show();
  }

  _writeUrl() {
    if (!this.canLink) return;
    const href = writeUrl(location.href, this.isOpen ? this.filters : null, this.linked?.id);
    if (href !== location.href) history.replaceState(history.state, '', href);
  }

  _dialog() {
    return /** @type {HTMLDialogElement|null} */ (this.shadowRoot.querySelector('dialog'));
  }

  /** A property that the host set before this module was there. @param {'getToken'} name */
  _upgradeProperty(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete this[name];
    this[name] = value;
  }
}

customElements.define('user-management-log', UserManagementLog);
