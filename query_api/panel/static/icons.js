// Drawings beside words, never instead of them: all are hidden from assistive technology.
import { svg } from './vendor/lit-html/lit-html.js';
/** @param {unknown} shape */
export const icon = (shape) => svg`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"
  fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">${shape}</svg>`;
export const ICONS = {
  close: icon(svg`<path d="m4 4 8 8M12 4l-8 8"/>`),
  chevron: icon(svg`<path d="m6 3.5 4.5 4.5L6 12.5"/>`),
  arrow: icon(svg`<path d="M2.5 8h11M9.5 4l4 4-4 4"/>`),
  refresh: icon(svg`<path d="M8 13V3M3.8 7.2 8 3l4.2 4.2"/>`),
  warning: icon(svg`<path d="M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.7v.1"/>`),
  user_creation: icon(svg`<circle cx="6.5" cy="5" r="2.6"/><path d="M1.8 13.2c.4-2.7 2.2-4.2 4.7-4.2M11.5 8.5v5M9 11h5"/>`),
  user_deletion: icon(svg`<circle cx="6.5" cy="5" r="2.6"/><path d="M1.8 13.2c.4-2.7 2.2-4.2 4.7-4.2M9.5 9.2l4 4M13.5 9.2l-4 4"/>`),
  user_license_update: icon(svg`<path d="M2 4h12v8H2zM4.5 7h3M4.5 9.2h5"/><path d="M11.5 7v2.2"/>`),
  admin_rights_update: icon(svg`<path d="M8 1.8 13 3.6v3.9c0 3-2 5.400-5 6.700-3-1.300-5-3.700-5-6.700V3.600z"/><path d="m5.800 8 1.600 1.600 2.800-3"/>`),
};
