// The views: filters under a name, built in or saved by the reader. Each is one step of the history.
import { html } from './vendor/lit-html/lit-html.js';
import { ApiError } from './api.js';
import { importsOf } from './api-rest.js';
import { ICONS } from './icons.js';
import { REST_ICONS } from './icons-rest.js';
import { isolated } from './i18n.js';
import { chipWords } from './chips.js';
import { chipsOf } from './choices.js';
import { menusOf } from './menus.js';
import { keepViews, lastVisit, MAX_NAME, savedViews, withView } from './saved-views.js';
import { cleared, defaultFilters, idIn, toQuery } from './state.js';
import { isInstant, SINCE } from './time.js';
import { readUrl, writeUrl } from './url-sync.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 * @typedef {import('./saved-views.js').View} View
 */

/** @param {Model} model @param {Actions} act */
export function viewsMenu(model, act) {
  const [{ t }, { views }] = [model, menusOf(act)];
  return html`<div class="views" @keydown=${(/** @type {KeyboardEvent} */ event) => onMenuKey(act, event)}
    @focusout=${(/** @type {FocusEvent} */ event) => isLeft(event) && closeMenu(act)}>
    <button type="button" id="views" part="views" aria-expanded=${views.isOpen} aria-controls="views-menu"
      @click=${() => menusOf(act).setViews({ isOpen: !views.isOpen, naming: null, problem: '' })}>
      ${REST_ICONS.view}<span class="words">${t.text('views.button')}</span>
    </button>
    <div class="views-menu" id="views-menu" ?hidden=${!views.isOpen}>${views.isOpen ? viewChoices(model, act) : ''}</div>
  </div>`;
}

/** @param {Actions} act */
function closeMenu(act) {
  menusOf(act).setViews({ isOpen: false, naming: null, problem: '' });
}

/** Escape leaves the name that is being written, then the menu. @param {Actions} act @param {KeyboardEvent} event */
function onMenuKey(act, event) {
  const { views } = menusOf(act);
  if (event.key !== 'Escape' || !views.isOpen) return;
  event.preventDefault();
  event.stopPropagation();
  if (views.naming === null) closeMenu(act);
  else menusOf(act).setViews({ naming: null });
  act.focusOn(views.naming === null ? '#views' : '#views-menu button');
}

/** @param {FocusEvent} event */
function isLeft({ currentTarget, relatedTarget }) {
  return Boolean(relatedTarget) && !(/** @type {Element} */ (currentTarget).contains(/** @type {Node} */ (relatedTarget)));
}

/** @param {Model} model @param {Actions} act */
function viewChoices(model, act) {
  const [{ t }, { views }] = [model, menusOf(act)];
  const saved = savedViews();
  return html`<ul>${builtIn(model, act).map(([name, show]) => html`<li>${choice(name, () => chooseView(act, show))}</li>`)}</ul>
    ${saved.length
      ? html`<h3>${t.text('views.saved')}</h3>
          <ul>${saved.map((view) => html`<li>${savedView(model, act, view)}</li>`)}</ul>`
      : ''}
    ${views.naming === '' && canSave(model) ? naming(model, act, { name: '', query: queryOf(model) }) : saveButton(model, act)}
    ${views.problem ? html`<p class="problem" role="alert">${t.text(views.problem)}</p>` : ''}`;
}

/** @param {Model} model @param {Actions} act @returns {[string, () => void][]} */
function builtIn({ t, filters }, act) {
  const usual = cleared(filters);
  const visit = lastVisit();
  return [
    [t.text('views.rights'), () => act.setFilters({ ...usual, range: '90d', adminRights: ['granted'] })],
    [t.text('views.deletions'), () => act.setFilters({ ...usual, range: '12m', activityTypes: ['user_deletion'] })],
    [t.text('views.import'), () => void showLastImport(act)],
    ...(isInstant(visit)
      ? [/** @type {[string, () => void]} */ ([
          t.text('views.visit', { when: t.dateTime(new Date(visit)) }),
          () => act.setFilters({ ...usual, range: SINCE, from: visit }),
        ])]
      : []),
  ];
}

/** The file import of the latest line of any. @param {Actions} act */
async function showLastImport(act) {
  const { api, zone } = act.session;
  try {
    const [last] = await importsOf(api, toQuery({ ...defaultFilters(), range: '12m' }, new Date(), zone), 1);
    if (last) act.showAll({ imports: [last.import_id] });
    else menusOf(act).setViews({ isOpen: true, problem: 'views.no_import' });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    act.report(error);
    menusOf(act).setViews({ isOpen: true, problem: `error.${error.kind}.title` });
    // Whoever may no longer read the log keeps no name of it, whatever they were asking for.
    if (error.isRefusal) void act.refresh();
  }
}

/** @param {string} name @param {() => void} onClick */
function choice(name, onClick) {
  return html`<button type="button" class="quiet" @click=${onClick}><bdi>${name}</bdi></button>`;
}

/** @param {Actions} act @param {() => void} show */
function chooseView(act, show) {
  // A view comes whole: nothing of what was being looked at stays.
  act.session.expanded.clear();
  menusOf(act).resetPickers();
  act.toTop();
  show();
  closeMenu(act);
  act.focusOn('#views');
}

/** @param {Model} model @param {Actions} act @param {View} view */
function savedView(model, act, view) {
  const [{ t }, { views }] = [model, menusOf(act)];
  if (views.naming === view.name) return naming(model, act, view);
  const values = { name: isolated(view.name) };
  const remove = () => {
    keep(model, act, savedViews().filter(({ name }) => name !== view.name), t.text('views.gone', values));
    act.focusOn('#views');
  };
  return html`${choice(view.name, () => chooseView(act, () => showSaved(model, act, view)))}
    <button type="button" class="square" aria-label=${t.text('views.rename', values)} @click=${() => beginName(act, view.name)}>${REST_ICONS.edit}</button>
    <button type="button" class="square" aria-label=${t.text('views.delete', values)} @click=${remove}>${ICONS.close}</button>`;
}

/** @param {Model} model @param {Actions} act @param {View} view */
function showSaved({ filters }, act, { query }) {
  const found = readUrl(query);
  if (found) act.setFilters({ ...found.filters, zone: filters.zone });
}

/** A view holds refs, and no line told the one of a person whom the page named. @param {Model} model */
function canSave({ filters }) {
  return !filters.affectedUsers.some(idIn);
}

/** @param {Model} model @param {Actions} act */
function saveButton(model, act) {
  const { t } = model;
  if (!canSave(model)) return html`<p class="hint">${t.text('views.no_ref')}</p>`;
  return html`<button type="button" id="save-view" @click=${() => beginName(act, '')}>${t.text('views.save')}</button>`;
}

/** Let the reader write a name. @param {Actions} act @param {string} before The view's; empty for a new one. */
function beginName(act, before) {
  menusOf(act).setViews({ naming: before, problem: '' });
  act.focusOn('#view-name');
}

/** @param {Model} model @param {Actions} act @param {View} view */
function naming(model, act, view) {
  const { t } = model;
  const save = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (/** @type {HTMLFormElement} */ (event.target).elements.namedItem('name'));
    const given = field.value.trim();
    if (!given) return;
    keep(model, act, withView(savedViews(), { ...view, name: given }, view.name), t.text('views.kept', { name: isolated(given) }));
    act.focusOn('#views');
  };
  return html`<form @submit=${save}>
    <label for="view-name">${t.text('views.name')}</label>
    <input type="text" id="view-name" name="name" required maxlength=${MAX_NAME} autocomplete="off" aria-describedby="view-hint" .value=${view.name || newName(model)} />
    <button type="submit" class="primary">${t.text('views.keep')}</button>
    <p class="hint" id="view-hint">${t.text('views.hint')}</p>
  </form>`;
}

/** @param {Model} model @param {Actions} act @param {View[]} views @param {string} told */
function keep({ t }, act, views, told) {
  const isKept = keepViews(views);
  menusOf(act).setViews({ naming: null, problem: isKept ? '' : 'views.not_kept' });
  act.announce(isKept ? told : t.text('views.not_kept'), { visibly: isKept });
}

/** What the filters are, as an address says it: refs, never names. @param {Model} model */
function queryOf({ filters }) {
  return writeUrl('', filters);
}

/** A name to begin with: what is filtered, but for persons. @param {Model} model */
function newName(model) {
  const words = chipsOf(model.filters)
    .filter(({ name: kind }) => kind !== 'affectedUsers' && kind !== 'admins')
    .map((chip) => chipWords(model, chip).value);
  return [...words.slice(1), words[0]].join(', ').slice(0, MAX_NAME);
}
