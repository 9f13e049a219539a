// What stands where lines would, or above them: still loading, or an error with a text of its own.
import { html } from './vendor/lit-html/lit-html.js';
import { ICONS } from './icons.js';

/**
 * @typedef {import('./model.js').Model} Model
 * @typedef {import('./actions.js').Actions} Actions
 */

/** @param {Model} model */
export function skeleton({ t }) {
  return html`<div class="skeleton" aria-hidden="true">${Array.from({ length: 10 }, () => html`<div></div>`)}</div>
    <p class="hidden-text">${t.text('list.loading')}</p>`;
}

/**
 * An error in the place of the lines, or beside those that are still shown.
 * @param {Model} model
 * @param {Actions} act
 * @param {import('./api.js').ApiError} error
 * @param {{isBeside: boolean, stale?: string}} options *stale* says what the lines are.
 */
export function errorState({ t }, act, error, { isBeside, stale = '' }) {
  const words = html`<h3>${t.text(`error.${error.kind}.title`)}</h3>
    <p>
      ${t.text(`error.${error.kind}.text`, { seconds: t.number(error.retryAfterSeconds || 60) })}
      ${stale && t.text(stale)}
    </p>
    ${error.requestId ? html`<p><code>${t.text('error.request', { id: error.requestId })}</code></p>` : ''}`;
  const retry = error.kind === 'unauthenticated'
    ? html`<button type="button" @click=${() => act.signIn()}>${t.text('error.sign_in')}</button>`
    : html`<button type="button" @click=${() => act.refresh()}>${t.text('error.retry')}</button>`;
  return isBeside
    ? html`<div class="notice" role="alert">${ICONS.warning}<div class="words">${words}</div>${retry}</div>`
    : html`<div class="state failed" role="alert">${ICONS.warning}${words}<div class="actions">${retry}</div></div>`;
}
