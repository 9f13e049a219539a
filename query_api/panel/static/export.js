// The export: how much it is, two formats to choose from, and the file.
import { html } from './vendor/lit-html/lit-html.js';
import { ApiError } from './api.js';
import { chipWords, labeled } from './chips.js';
import { ICONS } from './icons.js';
import { periodTexts } from './model.js';
import { chipsOf } from './state.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 */

const EXPORT_SCOPE = 'audit:export';

/** Whether the token allows an export, as far as that is known. @param {Model} model */
function canExport({ scopes }) {
  return scopes === null || scopes.includes(EXPORT_SCOPE);
}

/** A small disclosure, where the token allows an export. @param {Model} model @param {Actions} act */
export function exportMenu(model, act) {
  if (!canExport(model)) return '';
  const { t, exporting } = model;
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || !exporting.isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    act.setExport({ isOpen: false });
    act.focusOn('#export');
  };
  const onLeave = (/** @type {FocusEvent} */ event) => {
    const inside = /** @type {Element} */ (event.currentTarget);
    if (event.relatedTarget && !inside.contains(/** @type {Node} */ (event.relatedTarget))) act.setExport({ isOpen: false });
  };
  return html`<div class="export" @keydown=${onKey} @focusout=${onLeave}>
    <button
      type="button"
      id="export"
      part="export"
      aria-expanded=${exporting.isOpen}
      aria-controls="export-menu"
      @click=${() => act.setExport({ isOpen: !exporting.isOpen, error: '' })}
    >
      ${ICONS.download}<span class="words">${t.text('export.button')}</span>
    </button>
    <div class="menu" id="export-menu" ?hidden=${!exporting.isOpen}>${exporting.isOpen ? exportChoices(model, act) : ''}</div>
  </div>`;
}

/** @param {Model} model @param {Actions} act */
function exportChoices(model, act) {
  const { t, exporting, list } = model;
  const count = list.stats && !list.isCounting ? t.plural('export.count', list.stats.total) : t.text('export.unknown_count');
  const button = (/** @type {'csv'|'jsonl'} */ format) => html`<button
    type="button"
    ?disabled=${exporting.isRunning}
    @click=${() => run(act, t, format)}
  >
    ${t.text(`export.${format}`)}
  </button>`;
  const what = chipsOf(model.filters).map((chip) => chipWords(model, chip)).map(({ label, value }) => labeled(t, label, value));
  return html`<p>${count}</p>
    <p class="second">${periodTexts(model).join(', ')} · ${what.join(' · ')}</p>
    ${button('csv')} ${button('jsonl')}
    ${exporting.isRunning ? html`<p>${t.text('export.running')}</p>` : ''}
    ${exporting.error ? html`<p class="hint problem">${exporting.error}</p>` : ''}`;
}

/** @param {Actions} act @param {Model['t']} t @param {'csv'|'jsonl'} format */
async function run(act, t, format) {
  act.setExport({ isRunning: true, error: '' });
  act.announce(t.text('export.running'));
  try {
    const file = await act.fetchExport(format);
    save(file);
    act.setExport({ isRunning: false, isOpen: false });
    act.focusOn('#export');
    act.announce(t.text('export.done', { file: file.name }), { visibly: true });
    act.emit('uml-export', { format });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const reason = error.kind === 'forbidden' ? t.text('export.forbidden') : t.text(`error.${error.kind}.title`);
    const words = t.text('export.failed', { reason });
    act.setExport({ isRunning: false, error: words });
    act.announce(words);
    act.report(error);
  }
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
