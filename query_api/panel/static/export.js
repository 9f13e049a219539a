// The export: what and how much it is, the forms to choose from, how far it is, and the file.
import { html } from './vendor/lit-html/lit-html.js';
import { ApiError } from './api.js';
import { chipWords } from './chips.js';
import { chipsOf } from './choices.js';
import { exportFile } from './export-file.js';
import { REST_ICONS } from './icons-rest.js';
import { menusOf } from './menus.js';
import { periodTexts } from './model.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 *
 * @typedef {object} Choice
 * @property {string} name
 * @property {import('./export-file.js').ExportFormat} format
 * @property {boolean} [isToRead] In the zone and the language of the panel.
 * @property {number} [most] How many lines it takes.
 */

const EXPORT_SCOPE = 'audit:export';
/** @type {Choice[]} */
const TO_READ = [
  { name: 'xlsx', format: 'xlsx', isToRead: true, most: 20_000 },
  { name: 'csv', format: 'csv', isToRead: true },
  { name: 'print', format: 'jsonl', most: 5_000 },
];
/** @type {Choice[]} */
const FOR_PROGRAMS = [
  { name: 'csv_raw', format: 'csv' },
  { name: 'jsonl', format: 'jsonl' },
  { name: 'ocsf', format: 'ocsf' },
];
/** How often the progress is drawn. */
const PROGRESS_MS = 200;

/** Whether the token allows an export, as far as that is known. @param {Model} model */
function canExport({ scopes, list }) {
  return !list.error?.isRefusal && (scopes === null || scopes.includes(EXPORT_SCOPE));
}

/** A small disclosure, where the token allows an export, or until now. @param {Model} model @param {Actions} act */
export function exportMenu(model, act) {
  const [{ t }, { exporting }] = [model, menusOf(act)];
  const isOffered = canExport(model);
  if (!isOffered && !exporting.isOpen) return '';
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || !exporting.isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    menusOf(act).setExport({ isOpen: false });
    act.focusOn(isOffered ? '#export' : '#title');
  };
  const onLeave = (/** @type {FocusEvent} */ event) => {
    const inside = /** @type {Element} */ (event.currentTarget);
    if (event.relatedTarget && !inside.contains(/** @type {Node} */ (event.relatedTarget))) menusOf(act).setExport({ isOpen: false });
  };
  return html`<div class="export" @keydown=${onKey} @focusout=${onLeave}>
    <button
      type="button"
      id="export"
      part="export"
      aria-busy=${exporting.isRunning}
      aria-expanded=${exporting.isOpen}
      aria-controls="export-menu"
      @click=${() => menusOf(act).setExport({ isOpen: !exporting.isOpen, error: '' })}
    >
      ${REST_ICONS.download}<span class="words">${t.text('export.button')}</span>
    </button>
    <div class="menu" id="export-menu" ?hidden=${!exporting.isOpen}>${exporting.isOpen ? exportChoices(model, act) : ''}</div>
  </div>`;
}

/** @param {Model} model @param {Actions} act */
function exportChoices(model, act) {
  const { t, zone, list } = model;
  const { exporting } = menusOf(act);
  const total = list.stats && !list.isCounting && !list.isOfOthers ? list.stats.total : null;
  if (exporting.isRunning) return progress(model, act, total);
  const problem = exporting.error && html`<p class="hint problem">${exporting.error}</p>`;
  if (!canExport(model)) return problem;
  const button = (/** @type {Choice} */ choice) => html`<button
    type="button"
    ?disabled=${isTooMuch(choice, total)}
    @click=${() => run(model, act, choice)}
  >
    ${t.text(`export.${choice.name}`)}
  </button>`;
  const group = (/** @type {string} */ title, /** @type {Choice[]} */ choices) => html`<div role="group" aria-label=${title}>
    <p class="second">${title}</p>
    <div class="formats">${choices.map(button)}</div>
  </div>`;
  const refused = TO_READ.filter((choice) => isTooMuch(choice, total));
  return html`<p class="total">${total === null ? t.text('export.unknown_count') : t.plural('export.count', total)}</p>
    <dl>${factsOf(model).map(([label, value]) => html`<div><dt>${label}</dt><dd><bdi>${value}</bdi></dd></div>`)}</dl>
    ${group(t.text('export.to_read', { zone: zone.replaceAll('_', ' ') }), TO_READ)}
    ${refused.map(({ name, most = 0 }) => html`<p class="second">${t.text('export.most', { format: t.text(`export.${name}`), count: t.number(most) })}</p>`)}
    ${group(t.text('export.for_programs'), FOR_PROGRAMS)}
    ${problem}`;
}

/** @param {Choice} choice @param {number|null} total */
function isTooMuch({ most }, total) {
  return Boolean(most && total && total > most);
}

/** What a file or a sheet holds. @param {Model} model @returns {[string, string][]} */
function factsOf(model) {
  const { t, filters } = model;
  const [days, zone] = periodTexts(model);
  const chosen = chipsOf(filters)
    .filter(({ name }) => name !== 'range')
    .map((chip) => chipWords(model, chip));
  return [
    [t.text('filter.period'), days],
    [t.text('filter.zone'), zone],
    ...chosen.map(({ label, value }) => /** @type {[string, string]} */ ([label, value])),
  ];
}

/** @param {Model} model @param {Actions} act @param {number|null} total */
function progress({ t }, act, total) {
  const { done, cancel } = menusOf(act).exporting;
  const words = done && total !== null ? t.text('export.progress', { done: t.number(Math.min(done, total)), total: t.number(total) }) : t.text('export.running');
  return html`<p id="export-progress">${words}</p>
    ${done && total ? html`<progress max=${total} .value=${Math.min(done, total)} aria-labelledby="export-progress"></progress>` : html`<progress aria-labelledby="export-progress"></progress>`}
    <button type="button" id="export-cancel" @click=${cancel}>${t.text('export.cancel')}</button>`;
}

/** @param {Model} model @param {Actions} act @param {Choice} choice */
async function run(model, act, choice) {
  const { t } = model;
  const abort = new AbortController();
  menusOf(act).setExport({ isRunning: true, error: '', done: 0, cancel: () => abort.abort() });
  act.focusOn('#export-cancel');
  act.announce(t.text('export.running'));
  let drawnAt = -PROGRESS_MS;
  const onProgress = (/** @type {number} */ done) => {
    if (performance.now() - drawnAt < PROGRESS_MS) return;
    drawnAt = performance.now();
    menusOf(act).setExport({ done });
  };
  try {
    const file = await exportFile(act.session, choice.format, choice.isToRead ? t.language : '', { signal: abort.signal, onProgress });
    if (choice.name === 'print') await printed(model, act, choice, file, abort.signal);
    else save(file);
    ended(act, { isOpen: false }, '#export');
    const done = choice.name === 'print' ? t.text('export.printed') : t.text('export.done', { file: file.name });
    act.announce(done, { visibly: true });
    act.emit('uml-export', { format: choice.name === 'print' ? 'print' : choice.format });
  } catch (error) {
    if (abort.signal.aborted) {
      ended(act, {}, '#export-menu button');
      act.announce(t.text('export.canceled'));
      return;
    }
    if (!(error instanceof ApiError)) throw error;
    const isForbidden = error.kind === 'forbidden';
    if (isForbidden) act.session.scopes = (model.scopes ?? []).filter((scope) => scope !== EXPORT_SCOPE);
    const reason = t.text(isForbidden ? 'export.forbidden' : `error.${error.kind}.title`);
    const words = t.text('export.failed', { reason });
    act.announce(words, { visibly: !menusOf(act).exporting.isOpen });
    ended(act, { error: words }, isForbidden ? '#export' : '#export-menu button');
    act.report(error);
  }
}

/**
 * No export runs any more. Whoever closed its menu does something else meanwhile, and is not disturbed.
 * @param {Actions} act
 * @param {{isOpen?: boolean, error?: string}} change
 * @param {string} place What the focus goes to.
 */
function ended(act, change, place) {
  const { isOpen } = menusOf(act).exporting;
  menusOf(act).setExport({ isRunning: false, ...change });
  if (isOpen) act.focusOn(place);
}

/**
 * @param {Model} model
 * @param {Actions} act
 * @param {Choice} choice
 * @param {{name: string, content: Blob}} file
 * @param {AbortSignal} signal Where it is aborted, names are neither printed nor kept for it.
 */
async function printed(model, act, choice, { name, content }, signal) {
  const { t } = model;
  const { printSheet } = await import('./print-sheet.js').catch(() => {
    throw new ApiError('unreachable');
  });
  const text = await content.text();
  const lines = text.split('\n').filter(Boolean).map((line) => JSON.parse(line));
  // The count may not have been known before.
  if (isTooMuch(choice, lines.length)) throw new ApiError('invalid');
  const facts = /** @type {[string, string][]} */ ([
    ...factsOf(model),
    [t.text('export.lines'), t.number(lines.length)],
    [t.text('export.printed_at'), t.exactTime(new Date())],
    [t.text('export.source'), name],
  ]);
  signal.throwIfAborted();
  await printSheet(act.place(), t, facts, lines, signal);
}

/**
 * Hand a file to the reader.
 * @param {{name: string, content: Blob}} file
 */
function save({ name, content }) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
