// The chart.

export const HISTOGRAM_CSS = `
.histogram { display: flex; flex-wrap: wrap; align-items: center; gap: 0 12px; min-height: 62px; margin: var(--_unit) 0 0; }
.histogram[data-stale] .bar { opacity: 0.5; }
.plot { position: relative; flex: 1 1 240px; min-width: 0; --_of: color-mix(in srgb, var(--_accent) 72%, var(--_surface)); }
.area { position: relative; user-select: none; touch-action: pan-y; cursor: crosshair; }
.histogram svg { display: block; width: 100%; height: 62px; direction: ltr; }
:is(.plot, .life) [data-type="user_creation"] { --_of: var(--_good); }
:is(.plot, .life) [data-type="user_deletion"] { --_of: var(--_danger); }
:is(.plot, .life) [data-type="admin_rights_update"] { --_of: var(--_special); }
.bar { fill: var(--_of); }
.handle { position: absolute; top: 0; width: 24px; height: 46px; margin-left: -12px; }
.handle:focus { outline: none; }
.handle:focus::before { content: ""; position: absolute; inset-block: -2px; left: 10px; border-left: 4px solid var(--_accent); border-radius: 2px; }
.tip { position: absolute; z-index: 4; top: 48px; display: flex; flex-wrap: wrap; gap: 0 12px; width: max-content; max-width: 100%; padding: 3px 10px;
  border: 1px solid var(--_outline); border-radius: var(--_radius); background: var(--_surface); font-size: 0.75rem; box-shadow: 0 4px 12px rgb(0 0 0 / 15%); }
.tip .type::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-inline-end: 5px; border-radius: 2px; background: var(--_of); }
.tip .marked { padding-inline-start: 12px; border-inline-start: 1px solid var(--_outline); }
.histogram text { fill: var(--_muted); font-size: 0.75rem; font-variant-numeric: tabular-nums; }
.histogram .cut { fill: var(--_text); font-weight: 600; paint-order: stroke; stroke: var(--_surface); stroke-width: 3px; }
.histogram .slot { fill: transparent; }
.histogram g[data-pointed] .slot, .histogram g[data-marked] .slot { fill: color-mix(in srgb, var(--_accent) 16%, transparent); }
@container drawer (max-width: 420px) {
  .tick[text-anchor="middle"] { display: none; }
}
@media (forced-colors: active) {
  .bar { fill: CanvasText; }
}
`;
