// The export: a small disclosure that says how much it is, and offers two formats.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';

/** @param {import('./user-management-log.js').UserManagementLog} panel */
export function exportMenu(panel) {
  const { t, exporting } = panel;
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || !exporting.isOpen) return;
    event.preventDefault();
    event.stopPropagation();
    panel.setExport({ isOpen: false });
    panel.shadowRoot.getElementById('export').focus();
  };
  const onLeave = (/** @type {FocusEvent} */ event) => {
    const inside = /** @type {Element} */ (event.currentTarget);
    if (event.relatedTarget && !inside.contains(/** @type {Node} */ (event.relatedTarget))) panel.setExport({ isOpen: false });
  };
  return html`<div class="export" @keydown=${onKey} @focusout=${onLeave}>
    <button
      type="button"
      id="export"
      part="export"
      aria-expanded=${exporting.isOpen}
      aria-controls="export-menu"
      @click=${() => panel.setExport({ isOpen: !exporting.isOpen, error: '' })}
    >
      ${ICONS.download}<span class="words">${t.text('export.button')}</span>
    </button>
    <div class="menu" id="export-menu" ?hidden=${!exporting.isOpen}>${exporting.isOpen ? choices(panel) : ''}</div>
  </div>`;
}

/** @param {import('./user-management-log.js').UserManagementLog} panel */
function choices(panel) {
  const { t, exporting, list } = panel;
  if (!panel.mayExport) return html`<p>${t.text('export.forbidden')}</p>`;
  const count = list.stats ? t.plural('export.count', list.stats.total) : t.text('export.unknown_count');
  const button = (/** @type {'csv'|'jsonl'} */ format) => html`<button
    type="button"
    ?disabled=${exporting.isRunning}
    @click=${() => panel.export(format)}
  >
    ${t.text(`export.${format}`)}
  </button>`;
  return html`<p>${count}</p>
    ${button('csv')} ${button('jsonl')}
    ${exporting.isRunning ? html`<p>${t.text('export.running')}</p>` : ''}
    ${exporting.error ? html`<p class="hint problem">${exporting.error}</p>` : ''}`;
}

/**
 * Hand a file to the reader.
 * @param {{name: string, content: Blob}} file
 */
export function save({ name, content }) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
