// A sheet for paper: everything that the filters match under what they are. It is drawn in a frame of its own, so that
// nothing of the host's page is printed with it.
import { html, render } from './vendor/lit-html/lit-html.js';
import { isolated } from './i18n.js';
import { personCell } from './person.js';
import { styleSheet } from './styles/base.js';
import { activityKey, channelKey, COLUMNS } from './table.js';

/**
 * @typedef {import('./state.js').Activity} Activity
 * @typedef {import('./i18n.js').Translator} Translator
 * @typedef {[label: string, value: string][]} Facts
 */

const SHEET_CSS = `
@page { size: landscape; margin: 12mm; }
body { margin: 0; color: #000; background: #fff; font: 9pt/1.35 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { margin: 0 0 3mm; font-size: 15pt; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.5mm 5mm; margin: 0 0 5mm; }
dt { font-weight: 600; }
dd { margin: 0; }
/* A page without a doctype gives tables a font of their own. */
table { width: 100%; border-collapse: collapse; table-layout: fixed; font: inherit; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th, td { padding: 1mm 3mm 1mm 0; border-bottom: 0.2mm solid #888; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { border-bottom-width: 0.5mm; white-space: nowrap; }
td:first-child { white-space: nowrap; }
th:nth-child(1) { width: 18%; } th:nth-child(2) { width: 13%; } th:nth-child(3) { width: 23%; } th:nth-child(4) { width: 20%; } th:nth-child(6) { width: 9%; }
.second { display: block; color: #444; font-size: 8pt; }
`;

/**
 * Let the browser print. Returns when it may have begun.
 * @param {Element} place Where the frame is while it is printed.
 * @param {Translator} t
 * @param {Facts} facts What the sheet says above the lines.
 * @param {Activity[]} lines
 * @param {AbortSignal} signal Aborted, it takes the sheet away, also while it is printed.
 */
export async function printSheet(place, t, facts, lines, signal) {
  const frame = document.createElement('iframe');
  Object.assign(frame, { title: t.text('drawer.title'), tabIndex: -1 });
  Object.assign(frame.style, { position: 'fixed', width: '0', height: '0', border: '0' });
  const isThere = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
  place.append(frame);
  signal.addEventListener('abort', () => frame.remove(), { once: true });
  await isThere;
  signal.throwIfAborted();
  const view = /** @type {Window & typeof globalThis} */ (frame.contentWindow);
  const { document: page } = view;
  page.title = t.text('drawer.title');
  page.documentElement.lang = t.language;
  page.adoptedStyleSheets = [styleSheet(view, SHEET_CSS)];
  render(sheet(t, facts, lines), page.body);
  // Names are here until then, and no longer.
  view.addEventListener('afterprint', () => frame.remove(), { once: true });
  view.print();
}

/** @param {Translator} t @param {Facts} facts @param {Activity[]} lines */
function sheet(t, facts, lines) {
  return html`<h1>${t.text('drawer.title')}</h1>
    <dl>${facts.map(([label, value]) => html`<dt>${label}</dt><dd><bdi>${value}</bdi></dd>`)}</dl>
    <table>
      <thead>
        <tr>${COLUMNS.map((name) => html`<th scope="col">${t.text(`column.${name}`)}</th>`)}</tr>
      </thead>
      <tbody>${lines.map((line) => row(t, line))}</tbody>
    </table>`;
}

/** @param {Translator} t @param {Activity} line */
function row(t, line) {
  return html`<tr>
    <td>${t.exactTime(new Date(line.occurred_at))}</td>
    <td>${t.text(activityKey(line, t))}</td>
    <td>${personCell(line.affected_user, t)}</td>
    <td>${personCell(line.admin, t)}</td>
    <td>${line.changes.map((change) => changeWords(change, t)).join(', ')}</td>
    <td>${t.text(channelKey(line, t))}</td>
  </tr>`;
}

/** @param {import('./state.js').Change} change @param {Translator} t */
function changeWords({ field, before, after }, t) {
  if (field === 'admin_rights') return t.text(after ? 'change.granted' : 'change.removed');
  const [old, next] = [before, after].map((name) => (name === null ? '' : isolated(String(name))));
  if (!next) return t.text('change.license_removed', { before: old });
  return old ? `${old} → ${next}` : t.text('change.license_added', { after: next });
}
