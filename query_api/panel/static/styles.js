// The style sheets of the panel. They are constructed, never written into the page: a strict `style-src` stays strict.


/** What the first lines need; `styles-rest.js` has the rest. */
export const CSS = `
:host {
  --_surface: var(--uml-color-surface, light-dark(#ffffff, #151a21));
  --_raised: var(--uml-color-raised, light-dark(#f5f7fa, #1d242d));
  --_text: var(--uml-color-text, light-dark(#17202c, #e7ebf1));
  --_muted: var(--uml-color-muted, light-dark(#566173, #a5b0bf));
  --_border: var(--uml-color-border, light-dark(#dde2e9, #323b47));
  --_outline: var(--uml-color-outline, light-dark(#818b9a, #737f90));
  --_accent: var(--uml-color-accent, light-dark(#2456d3, #8fb3ff));
  --_on-accent: var(--uml-color-on-accent, light-dark(#ffffff, #0d1626));
  --_danger: var(--uml-color-danger, light-dark(#b3221b, #ff9d94));
  --_good: light-dark(#17693a, #7fd6a0);
  --_special: light-dark(#6b3fb5, #c9b0ff);
  --_tint: color-mix(in srgb, var(--_accent) 9%, var(--_surface));
  --_radius: var(--uml-radius, 8px);
  --_unit: calc(8px * var(--uml-density, 1));
  display: inline-block;
  font: 400 0.875rem/1.45 var(--uml-font, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif);
  color: var(--_text);
}
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.hidden-text {
  position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; border: 0;
}
/* A name is a box of its own: no character in it can turn or cover what stands around it. */
bdi { display: inline-block; max-width: 100%; overflow-wrap: anywhere; vertical-align: bottom; }
.icon { flex: none; display: block; }
h2, h3, p, ul, dl, dd, fieldset, legend { margin: 0; padding: 0; border: 0; min-width: 0; }
ul { list-style: none; }

button, select, input { font: inherit; color: inherit; }
button {
  display: inline-flex; align-items: center; justify-content: center; gap: 6px; min-height: 32px;
  padding: 4px 12px; border: 1px solid var(--_outline); border-radius: var(--_radius);
  background: var(--_surface); color: var(--_text); cursor: pointer; font-weight: 500;
}
button:hover { background: var(--_tint); }
button[disabled], button[aria-disabled="true"] { color: var(--_muted); border-color: var(--_border); cursor: not-allowed; }
button.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
button.primary:hover { background: color-mix(in srgb, var(--_accent) 88%, var(--_text)); }
button.quiet { border-color: transparent; background: transparent; color: var(--_accent); padding: 4px 8px; }
button.quiet:hover { background: var(--_tint); }
td .value { cursor: pointer; }
td .value:hover { text-decoration: underline; }
button.square { width: 36px; min-height: 36px; padding: 0; border-color: transparent; background: transparent; }
button.square:hover { background: var(--_tint); }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }

/* The drawer */
dialog {
  position: fixed; inset: 0 0 0 auto; width: min(1200px, 92vw); max-width: none; height: 100dvh; max-height: none;
  margin: 0; padding: 0; border: 0; border-inline-start: 1px solid var(--_border);
  background: var(--_surface); color: var(--_text); text-align: start;
  box-shadow: -12px 0 40px rgb(0 0 0 / 22%); overflow: hidden; container: drawer / inline-size;
}
dialog::backdrop { background: rgb(10 16 26 / 42%); }
dialog[open] { display: flex; flex-direction: column; animation: enter 180ms ease-out; }
@keyframes enter { from { transform: translateX(32px); opacity: 0; } }
header {
  display: flex; align-items: center; gap: 8px; padding: calc(1.25 * var(--_unit)) 16px calc(1 * var(--_unit)) 24px;
}
header .titles { flex: 1; min-width: 0; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 16px; }
h2 { font-size: 1.25rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; }
header h2 { width: fit-content; }
/* The title takes the focus at the start, so that reading begins there. It is no control, and shows no ring. */
h2:focus-visible { outline: none; }
.subtitle { display: flex; flex-wrap: wrap; gap: 0 12px; color: var(--_muted); }
/* Positioned, so that texts for screen readers are clipped by it: they would make the drawer itself scroll. */
.scroll { position: relative; flex: 1; min-height: 0; overflow: auto; padding: 0 24px 32px; scroll-padding: 124px 0 16px; overscroll-behavior: contain; }

/* Chips */
.chips { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; margin: calc(1 * var(--_unit)) 0; }
/* The usual period alone is said above already. */
.chips:has(> :only-child) { display: none; }
.chips li { max-width: 100%; }
.chip { display: inline-flex; align-items: center; max-width: 100%; min-height: 28px; padding-inline-start: 10px; border-radius: 14px;
  background: var(--_tint); border: 1px solid color-mix(in srgb, var(--_accent) 35%, var(--_surface)); font-size: 0.8125rem; }
.chip .value { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 280px; }
.chip > span { padding-block: 3px; padding-inline-end: 10px; }
.chip button { min-height: 26px; width: 28px; padding: 0; border: 0; border-radius: 999px; background: transparent; color: var(--_muted); flex: none; margin-inline-start: -6px; }
.chip button:hover { color: var(--_text); background: color-mix(in srgb, var(--_accent) 18%, var(--_surface)); }
.chip .icon { width: 12px; height: 12px; }

/* Places that are kept for what comes behind the first lines */
.filters-waiting { height: 94px; background: var(--_raised); border-radius: var(--_radius); }
.histogram { min-height: 62px; margin: calc(1 * var(--_unit)) 0 0; }

/* The list */
.summary { position: sticky; top: 0; z-index: 3; display: flex; align-items: center; gap: 4px 16px; min-height: 38px; background: var(--_surface); }
.summary [role="status"] { font-weight: 600; flex: 1; }
.notice { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 4px 12px; padding: 12px 14px; margin: 0 0 12px; border: 1px solid currentColor;
  border-radius: var(--_radius); color: var(--_danger); background: color-mix(in srgb, var(--_danger) 6%, var(--_surface)); }
.notice .words { flex: 1; min-width: min(220px, 100%); }
.notice .words > * { color: var(--_text); }
.notice h3 { color: var(--_danger); font-size: 0.9375rem; }
.notice code { font-size: 0.8125rem; overflow-wrap: anywhere; }
.state { display: flex; flex-direction: column; align-items: center; gap: 8px; max-width: 480px; margin: 0 auto; padding: 48px 16px; text-align: center; }
.state > .icon { width: 32px; height: 32px; color: var(--_muted); }
.state.failed > .icon { color: var(--_danger); }
.state h3 { font-size: 1.0625rem; }
.state p { color: var(--_muted); overflow-wrap: anywhere; }
.state .actions { display: flex; flex-wrap: wrap; justify-content: center; gap: 8px; margin-top: 8px; }
.frame[aria-busy="true"] table { opacity: 0.62; }
.frame[data-stale] table { opacity: 0.88; filter: grayscale(1); }
table { width: 100%; border-collapse: separate; border-spacing: 0; table-layout: fixed; font-size: 0.8125rem; }
thead th { position: sticky; top: 38px; z-index: 2; height: 29px; padding: 5px 8px; background: var(--_surface); border-bottom: 1px solid var(--_outline);
  text-align: start; font-size: 0.75rem; font-weight: 600; color: var(--_muted); vertical-align: bottom; white-space: nowrap; }
.day th { position: sticky; top: 67px; z-index: 1; padding: 3px 8px; background: var(--_raised); text-align: start; font-size: 0.8125rem; font-weight: 600; }
.day th span { color: var(--_muted); font-weight: 400; }
td { padding: calc(0.6 * var(--_unit)) 8px; line-height: 1.35; border-bottom: 1px solid var(--_border); vertical-align: top; overflow-wrap: break-word; }
tr.line[data-open] td { background: var(--_tint); border-bottom-color: transparent; }
tbody tr.line, tr.import { cursor: pointer; }
tr.import .name { font-weight: 600; vertical-align: baseline; }
time + .second, tr.import .quiet { white-space: nowrap; }
tr.import .quiet { min-height: 26px; padding: 2px 8px; margin-inline-start: -8px; }
tr.import:hover td { background: var(--_raised); }
tbody tr.line:hover td { background: var(--_raised); }
tbody tr.line[data-open]:hover td { background: var(--_tint); }
thead th:first-child, td.toggle { width: 40px; padding-inline: 4px 0; }
th.when { width: 11.5%; } th.what { width: 17%; } th.affected_user { width: 22%; } th.admin { width: 20%; } th.channel { width: 9.5%; }
td.toggle button { width: 28px; min-height: 28px; padding: 0; border-color: transparent; background: transparent; margin-top: -4px; color: var(--_muted); }
td.toggle button:hover { background: color-mix(in srgb, var(--_accent) 14%, transparent); color: var(--_text); }
td.toggle .icon { transition: transform 120ms; }
td.toggle button[aria-expanded="true"] .icon { transform: rotate(90deg); }
time { font-variant-numeric: tabular-nums; }
.second { display: block; color: var(--_muted); font-size: 0.75rem; overflow-wrap: anywhere; }
.person .second bdi { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.badge { display: inline-flex; align-items: flex-start; gap: 6px; font-weight: 550; }
.badge .icon { margin-top: 2px; }
.badge[data-type="user_creation"] .icon { color: var(--_good); }
.badge[data-type="user_deletion"] .icon { color: var(--_danger); }
.badge[data-type="user_license_update"] .icon { color: var(--_accent); }
.badge[data-type="admin_rights_update"] .icon { color: var(--_special); }
.person .name, .option bdi { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; text-align: left; }
.person .name { font-weight: 550; }
.person.deleted .name, .person.nameless .name { font-weight: 400; font-style: italic; color: var(--_muted); }
span.change { display: block; }
.change .icon { display: inline-block; width: 12px; height: 12px; color: var(--_muted); }
del { text-decoration-color: color-mix(in srgb, currentColor 60%, transparent); color: var(--_muted); }
del bdi { text-decoration: inherit; }
ins { text-decoration: none; font-weight: 600; }
.more { display: flex; justify-content: center; padding: 20px 0 0; color: var(--_muted); text-align: center; }

/* Loading */
.hint { grid-column: 1 / -1; color: var(--_muted); font-size: 0.8125rem; }
.hint.problem { color: var(--_danger); font-weight: 600; }

.skeleton { display: grid; gap: 14px; padding: 16px 8px; }
.skeleton div { height: 14px; border-radius: 6px; background: var(--_border); animation: pulse 1.2s ease-in-out infinite alternate; }
.skeleton div:nth-child(even) { width: 82%; }
@keyframes pulse { from { opacity: 0.5; } }

@container drawer (max-width: 800px) {
  th.when { width: 12%; } th.channel { width: 12%; }
}
@container drawer (max-width: 640px) {
  header { padding-inline: 16px 8px; gap: 4px; }
  .scroll { padding-inline: 16px; scroll-padding-top: 16px; }
  table, tbody, tr, td { display: block; }
  table { font-size: 0.875rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr.line, tr.import { position: relative; margin-bottom: 10px; padding: 12px 14px; border: 1px solid var(--_border); border-radius: calc(var(--_radius) + 2px); }
  tr.line[data-open] { margin-bottom: 0; border-end-start-radius: 0; border-end-end-radius: 0; background: var(--_tint); }
  tbody tr.line:hover td { background: transparent; }
  .filters-waiting { height: 40px; }
  .day th { display: block; position: static; margin-bottom: 8px; border-radius: var(--_radius); }
  td { padding: 0; border: 0; background: transparent; }
  tr.line td + td { margin-top: 6px; }
  tr.line td[data-label] { display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 8px; }
  tr.line td.toggle + td { padding-inline-end: 40px; }
  tr.line td[data-label]::before { content: attr(data-label); color: var(--_muted); font-size: 0.8125rem; line-height: calc(1.45 * 0.875rem); }
  td.toggle { position: absolute; inset: 8px 8px auto auto; width: auto; margin: 0; }
  td.toggle button { width: 36px; min-height: 36px; margin: 0; }
  td.toggle .icon { transform: rotate(90deg); }
  td.toggle button[aria-expanded="true"] .icon { transform: rotate(-90deg); }
  tr.detail { margin-bottom: 10px; border: 1px solid var(--_border); border-top: 0; border-radius: 0 0 calc(var(--_radius) + 2px) calc(var(--_radius) + 2px); overflow: hidden; }
}
@container drawer (max-width: 400px) {
  h2 { font-size: 1rem; }
  .export button .words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
}
@media (max-height: 480px) {
  th, .day th, .summary { position: static; }
  dialog[open] { overflow: auto; display: block; }
  .scroll { overflow: visible; }
}
@media (max-width: 720px) {
  dialog { width: 100vw; }
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
}
@media (forced-colors: active) {
  button, .chip, .notice { border: 1px solid ButtonBorder; }
}
`;

/**
 * A sheet of *css* for *view*'s document. It serves only that document.
 * @param {Window & typeof globalThis} view
 * @param {string} css
 */
export function styleSheet(view, css) {
  const sheet = new view.CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
