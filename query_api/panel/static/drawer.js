// The frame of the panel: a modal dialog at the right edge, with title, export and close.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';

/** @typedef {import('./user-management-log.js').UserManagementLog} Panel */

/** @param {Panel} panel @param {unknown} content */
export function drawer(panel, content) {
  const { t } = panel;
  return html`<dialog
    part="drawer"
    aria-labelledby="title"
    @close=${() => panel.onClosed()}
    @click=${(event) => closeOnBackdrop(panel, event)}
  >
    ${panel.isOpen
      ? html`<header part="header">
            <div class="titles">
              <h2 id="title" tabindex="-1" autofocus>${t.text('drawer.title')}</h2>
              <p class="subtitle">${panel.periodTexts().map((text) => html`<span>${text}</span>`)}</p>
            </div>
            ${exportMenu(panel)}
            <button type="button" class="square" aria-label=${t.text('drawer.close')} @click=${() => panel.close()}>
              ${ICONS.close}
            </button>
          </header>
          <div class="scroll">${content}</div>
          <p class="hidden-text" role="status" id="announcement">${panel.announcement}</p>`
      : ''}
  </dialog>`;
}

/** @param {Panel} panel @param {MouseEvent} event */
function closeOnBackdrop(panel, event) {
  const dialog = /** @type {HTMLDialogElement} */ (event.currentTarget);
  const box = dialog.getBoundingClientRect();
  const isOutside = event.clientX < box.left || event.clientX > box.right;
  // A click that a key made has no place.
  if (event.target === dialog && event.detail > 0 && isOutside) panel.close();
}

/** A small disclosure; what it discloses comes with the rest. @param {Panel} panel */
function exportMenu(panel) {
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
    <div class="menu" id="export-menu" ?hidden=${!exporting.isOpen}>${exporting.isOpen ? panel.withRest(({ exportChoices }) => exportChoices(panel)) : ''}</div>
  </div>`;
}
