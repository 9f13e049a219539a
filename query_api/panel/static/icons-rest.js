// Further drawings, of what comes behind the first lines.
import { svg } from './vendor/lit-html/lit-html.js';
import { icon } from './icons.js';

export const REST_ICONS = {
  download: icon(svg`<path d="M8 2.5v7.5M4.8 7.2 8 10.4l3.2-3.2M3 13.5h10"/>`),
  view: icon(svg`<path d="M4.500 2.500h7v11L8 10.700l-3.500 2.800z"/>`),
  edit: icon(svg`<path d="M3 13l.7-3L10.500 3.200l2.300 2.300L6 12.300z"/>`),
  empty: icon(svg`<circle cx="7" cy="7" r="4.5"/><path d="m10.3 10.3 3.4 3.4"/>`),
};
