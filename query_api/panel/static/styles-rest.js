// The styles of what is loaded behind the first lines.

export const REST_CSS = `
input[type="text"], input[type="date"], select {
  width: 100%; min-height: 34px; padding: 4px 10px; border: 1px solid var(--_outline);
  border-radius: var(--_radius); background: var(--_surface);
}
::placeholder { color: var(--_muted); opacity: 1; }

/* Filters */
.filters { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: calc(1 * var(--_unit)) 12px; }
.field { grid-column: span 3; position: relative; display: flex; flex-direction: column; gap: 2px; }
.sets { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 6px 20px; }
.field label { font-weight: 600; font-size: 0.75rem; }
.sets select { width: auto; max-width: 160px; min-height: 30px; padding: 2px 9px; font-size: 0.8125rem; }
.choices { display: flex; flex-wrap: wrap; gap: 5px; }
.choices label {
  display: inline-flex; align-items: center; gap: 6px; min-height: 30px; padding: 2px 9px 2px 7px; border: 1px solid var(--_outline);
  border-radius: 999px; background: var(--_surface); font-weight: 450; font-size: 0.8125rem; cursor: pointer;
}
.choices label:hover { background: var(--_tint); }
.choices label:has(:checked) { border-color: var(--_accent); background: var(--_tint); box-shadow: inset 0 0 0 1px var(--_accent); }
.choices label:has(:focus-visible) { outline: 2px solid var(--_accent); outline-offset: 2px; }
.choices input { width: 14px; height: 14px; margin: 0; accent-color: var(--_accent); outline: none; }
.dates { grid-column: 1 / -1; display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 8px 16px; }
.filters-toggle { display: none; width: 100%; justify-content: space-between; }
.filters-toggle .icon { transform: rotate(90deg); }
.filters-toggle[aria-expanded="true"] .icon { transform: rotate(-90deg); }

/* Pickers */
.options {
  position: absolute; z-index: 4; top: calc(100% + 4px); inset-inline-start: 0; width: max(100%, min(440px, 100cqi - 64px)); padding: 4px;
  border: 1px solid var(--_outline); border-radius: var(--_radius); background: var(--_surface);
  box-shadow: 0 8px 24px rgb(0 0 0 / 18%);
}
.options [role="listbox"] { max-height: 272px; overflow: auto; }
.option { display: grid; grid-template-columns: 18px minmax(0, 1fr) auto; gap: 0 8px; align-items: start; padding: 6px 8px; border-radius: 6px; cursor: pointer; min-height: 32px; }
.option[data-active] { background: var(--_tint); box-shadow: inset 0 0 0 2px var(--_accent); }
.option .tick { color: var(--_accent); font-weight: 700; }
.option small, .option .count { color: var(--_muted); font-size: 0.8125rem; }
.option .count { white-space: nowrap; font-variant-numeric: tabular-nums; }
.option small bdi { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.option small { display: block; }
mark { background: none; color: inherit; font-weight: 700; text-decoration: underline; }
.options-note { padding: 8px; color: var(--_muted); }

/* Histogram */
.histogram svg { display: block; width: 100%; height: 62px; direction: ltr; user-select: none; touch-action: pan-y; cursor: crosshair; }
.histogram .bar { fill: color-mix(in srgb, var(--_accent) 72%, var(--_surface)); }
.histogram .bar[data-type="user_creation"] { fill: var(--_good); }
.histogram .bar[data-type="user_deletion"] { fill: var(--_danger); }
.histogram .bar[data-type="admin_rights_update"] { fill: var(--_special); }
.histogram text { fill: var(--_muted); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.histogram .cut { fill: var(--_text); font-weight: 600; paint-order: stroke; stroke: var(--_surface); stroke-width: 3px; }
.histogram .slot { fill: transparent; }
.histogram g:hover .slot, .histogram g[data-marked] .slot { fill: color-mix(in srgb, var(--_accent) 16%, transparent); }

/* Details of a line */
tr.detail td { padding: 0 8px calc(2 * var(--_unit)) 44px; background: var(--_tint); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr)); gap: 10px 24px; }
.facts dt { color: var(--_muted); font-size: 0.8125rem; }
.facts dd { overflow-wrap: anywhere; }
.facts code { font-family: ui-monospace, "Liberation Mono", Menlo, monospace; font-size: 0.75rem; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 14px 0; }
.raw h3 { margin: 0 0 4px; font-size: 0.8125rem; }
pre { margin: 0; padding: 12px; max-height: 320px; overflow: auto; border: 1px solid var(--_border); border-radius: var(--_radius);
  background: var(--_surface); font: 0.8125rem/1.5 ui-monospace, "Liberation Mono", Menlo, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: isolate; text-align: left; }
.linked { margin-bottom: 16px; border: 1px solid var(--_accent); border-radius: var(--_radius); padding: 8px 12px; }
.linked .head { display: flex; align-items: center; justify-content: space-between; }
.linked h3 { font-size: 0.9375rem; }

/* Export */
.export { position: relative; }
.menu { position: absolute; z-index: 6; inset-block: calc(100% + 4px) auto; inset-inline: auto 0; width: min(300px, calc(100vw - 32px)); padding: 14px; border: 1px solid var(--_outline);
  border-radius: var(--_radius); background: var(--_surface); box-shadow: 0 8px 24px rgb(0 0 0 / 18%); display: grid; gap: 8px; }

@container drawer (max-width: 800px) {
  .filters > .field:nth-child(2) .options { inset-inline: auto 0; }
  .field { grid-column: span 6; }
}
@container drawer (max-width: 640px) {
  .filters-toggle { display: flex; }
  .tick[text-anchor="middle"] { display: none; }
  .filters { margin-top: 8px; }
  .filters[data-folded] { display: none; }
  .field { grid-column: 1 / -1; }
  .dates .field { grid-column: span 6; }
  tr.detail td { padding: 12px 14px; }
  .actions button { flex: 1 1 auto; }
}
@container drawer (max-width: 400px) {
  .menu { inset-inline-end: -40px; }
  .dates .field { grid-column: 1 / -1; }
}
@media (forced-colors: active) {
  .option[data-active] { outline: 2px solid Highlight; }
  .histogram .bar { fill: CanvasText; }
  .choices label:has(:checked) { border-color: Highlight; }
}
`;
