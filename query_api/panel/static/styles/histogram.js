// The chart.

export const HISTOGRAM_CSS = `
.histogram { min-height: 62px; margin: calc(1 * var(--_unit)) 0 0; }
.histogram svg { display: block; width: 100%; height: 62px; direction: ltr; user-select: none; touch-action: pan-y; cursor: crosshair; }
.histogram .bar { fill: color-mix(in srgb, var(--_accent) 72%, var(--_surface)); }
.histogram .bar[data-type="user_creation"] { fill: var(--_good); }
.histogram .bar[data-type="user_deletion"] { fill: var(--_danger); }
.histogram .bar[data-type="admin_rights_update"] { fill: var(--_special); }
.histogram text { fill: var(--_muted); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.histogram .cut { fill: var(--_text); font-weight: 600; paint-order: stroke; stroke: var(--_surface); stroke-width: 3px; }
.histogram .slot { fill: transparent; }
.histogram g:hover .slot, .histogram g[data-marked] .slot { fill: color-mix(in srgb, var(--_accent) 16%, transparent); }
@container drawer (max-width: 640px) {
  .tick[text-anchor="middle"] { display: none; }
}
@media (forced-colors: active) {
  .histogram .bar { fill: CanvasText; }
}
`;
