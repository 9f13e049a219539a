// When and where it is drawn: once for any number of changes, into a shadow root with sheets of its own.
import { render } from './vendor/lit-html/lit-html.js';
import { styleSheet } from './styles/base.js';

export class Drawing {
  /** @param {ShadowRoot} root @param {() => unknown} template Nothing where it is too early to draw. */
  constructor(root, template) {
    this._root = root;
    this._template = template;
    this._isScheduled = false;
    /** @type {(() => void)[]} */
    this._after = [];
  }

  /** Draw soon. */
  update() {
    if (this._isScheduled) return;
    this._isScheduled = true;
    queueMicrotask(() => {
      this._isScheduled = false;
      if (this._root.isConnected) this.now();
    });
  }

  /** @param {() => void} work Done after the next drawing. */
  afterUpdate(work) {
    this._after.push(work);
    this.update();
  }

  now() {
    const template = this._template();
    if (!template) return;
    const focused = this._root.activeElement;
    render(template, this._root);
    this._after.splice(0).forEach((work) => work());
    // What was pressed may be gone: keys go on in the drawer, not in the page behind it.
    if (focused && !this._root.activeElement) this.find('#title')?.focus();
  }

  /** @param {string} selector @returns {HTMLElement|null} */
  find(selector) {
    return this._root.querySelector(selector);
  }

  /** Sheets serve only the document that they were made for. @param {string[]} sheets */
  adopt(sheets) {
    const view = this._root.ownerDocument.defaultView;
    if (view) this._root.adoptedStyleSheets = sheets.map((css) => styleSheet(view, css));
  }
}
