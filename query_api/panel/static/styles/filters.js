// The filters.

export const FILTER_CSS = `
input:is([type="text"], [type="date"], [type="time"]), select {
  width: 100%; min-height: 34px; padding: 4px 10px; border: 1px solid var(--_outline);
  border-radius: var(--_radius); background: var(--_surface);
}
::placeholder { color: var(--_muted); opacity: 1; }
.filters { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: var(--_unit) 12px; }
.field { grid-column: span 3; position: relative; display: flex; flex-direction: column; gap: 2px; }
.sets { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 6px 8px; }
.field label { font-weight: 600; font-size: 0.75rem; }
.sets select { width: 88px; min-height: 30px; padding: 2px 9px; font-size: 0.8125rem; }
.choices { display: flex; flex-wrap: wrap; gap: 4px; }
.choices label {
  display: inline-flex; align-items: center; gap: 4px; min-height: 30px; padding: 2px 6px; border: 1px solid var(--_outline);
  border-radius: 999px; background: var(--_surface); font-weight: 450; font-size: 0.8125rem; cursor: pointer;
}
.choices label:hover { background: var(--_tint); }
.choices label:has(:checked) { border-color: var(--_accent); background: var(--_tint); box-shadow: inset 0 0 0 1px var(--_accent); }
.choices label:has(:focus-visible) { outline: 2px solid var(--_accent); outline-offset: 2px; }
/* Room for what is being counted: nothing moves when it comes. */
.choices .count { min-width: 2.5ch; text-align: end; color: var(--_muted); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
/* A quick answer changes the figures in place; a slow one finds none that are wrong. */
.sets[data-stale] .count { visibility: hidden; transition: visibility 0s 300ms; }
.choices input { width: 14px; height: 14px; margin: 0; accent-color: var(--_accent); outline: none; }
.dates { grid-column: 1 / -1; display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 8px 16px; }
.dates .field { grid-column: span 4; }
.dates .hint { grid-column: 1 / -1; }
.moment { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: 6px; }
.filters-toggle { display: none; width: 100%; justify-content: space-between; }
.filters-toggle .icon { transform: rotate(90deg); }
.filters-toggle[aria-expanded="true"] .icon { transform: rotate(-90deg); }
@supports (field-sizing: content) {
  .sets select { field-sizing: content; width: auto; min-width: 88px; max-width: 200px; }
}
@container drawer (max-width: 800px) {
  .field, .dates .field { grid-column: span 6; }
}
@container drawer (max-width: 640px) {
  .filters-toggle { display: flex; }
  .filters { margin-top: 8px; }
  .filters[data-folded] { display: none; }
  .field, .dates .field { grid-column: 1 / -1; }
}
@media (forced-colors: active) {
  .choices label:has(:checked) { border-color: Highlight; }
}
`;
