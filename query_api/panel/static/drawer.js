// The frame of the panel: a modal dialog at the right edge, with title, export and close.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';
import { periodTexts, withRest } from './model.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 */

/** @param {Model} model @param {Actions} act @param {(model: Model, act: Actions) => unknown} content */
export function drawer(model, act, content) {
  const { t } = model;
  return html`<dialog
    part="drawer"
    aria-labelledby="title"
    @close=${() => act.onClosed()}
    @click=${(/** @type {MouseEvent} */ event) => closeOnBackdrop(act, event)}
  >
    ${model.isOpen
      ? html`<header part="header">
            <div class="titles">
              <h2 id="title" tabindex="-1" autofocus>${t.text('drawer.title')}</h2>
              <p class="subtitle">${periodTexts(model).map((text) => html`<span>${text}</span>`)}</p>
            </div>
            ${model.restFailed ? '' : withRest(model, ({ viewsMenu, exportMenu }) => [viewsMenu(model, act), exportMenu(model, act)])}
            <button type="button" class="square" aria-label=${t.text('drawer.close')} @click=${() => act.close()}>
              ${ICONS.close}
            </button>
          </header>
          <div class="scroll">${content(model, act)}</div>
          <p class="hidden-text" role="status" id="announcement">${model.announcement}</p>`
      : ''}
  </dialog>`;
}

/** @param {Actions} act @param {MouseEvent} event */
function closeOnBackdrop(act, event) {
  const dialog = /** @type {HTMLDialogElement} */ (event.currentTarget);
  const box = dialog.getBoundingClientRect();
  const isOutside = event.clientX < box.left || event.clientX > box.right;
  // A click that a key made has no place.
  if (event.target === dialog && event.detail > 0 && isOutside) act.close();
}

/**
 * Keep the page behind from scrolling, by wheel, finger or key. Its width stays.
 * @param {Document} page
 * @returns {() => void} Lets it scroll again.
 */
export function lockScroll({ documentElement: root, defaultView: view }) {
  const { overflow, scrollbarGutter } = root.style;
  if (view && view.innerWidth > root.clientWidth) root.style.scrollbarGutter = 'stable';
  root.style.overflow = 'hidden';
  return () => Object.assign(root.style, { overflow, scrollbarGutter });
}
