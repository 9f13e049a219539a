// The frame of the panel: a modal dialog at the right edge, with title, export and close.
import { html } from './vendor/lit-html/lit-html.js';
import { exportMenu } from './export.js';
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
