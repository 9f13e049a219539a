// The export: how much it is, two formats to choose from, and the file.
import { html } from './vendor/lit-html/lit-html.js';
import { ApiError } from './api.js';

/** @typedef {import('./user-management-log.js').UserManagementLog} Panel */

const SCOPE = 'audit:export';

/** @param {Panel} panel */
export function exportChoices(panel) {
  const { t, exporting, list } = panel;
  if (panel.scopes && !panel.scopes.includes(SCOPE)) return html`<p>${t.text('export.forbidden')}</p>`;
  const count = list.stats && !list.isCounting ? t.plural('export.count', list.stats.total) : t.text('export.unknown_count');
  const button = (/** @type {'csv'|'jsonl'} */ format) => html`<button
    type="button"
    ?disabled=${exporting.isRunning}
    @click=${() => run(panel, format)}
  >
    ${t.text(`export.${format}`)}
  </button>`;
  return html`<p>${count}</p>
    ${button('csv')} ${button('jsonl')}
    ${exporting.isRunning ? html`<p>${t.text('export.running')}</p>` : ''}
    ${exporting.error ? html`<p class="hint problem">${exporting.error}</p>` : ''}`;
}

/** @param {Panel} panel @param {'csv'|'jsonl'} format */
async function run(panel, format) {
  const { t } = panel;
  panel.setExport({ isRunning: true, error: '' });
  panel.announce(t.text('export.running'));
  try {
    const file = await panel.api.export(panel.query(), format);
    save(file);
    panel.setExport({ isRunning: false, isOpen: false });
    panel.focusOn('#export');
    panel.announce(t.text('export.done', { file: file.name }), { visibly: true });
    panel.emit('uml-export', { format });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const reason = error.kind === 'forbidden' ? t.text('export.forbidden') : t.text(`error.${error.kind}.title`);
    const words = t.text('export.failed', { reason });
    panel.setExport({ isRunning: false, error: words });
    panel.announce(words);
    panel.report(error);
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
