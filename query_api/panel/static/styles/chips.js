// The chips of the active filters.

export const CHIP_CSS = `
.chips { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; margin: var(--_unit) 0; }
.chips li { max-width: 100%; }
.chip { display: inline-flex; align-items: center; max-width: 100%; min-height: 28px; padding-inline-start: 10px; border-radius: 14px;
  background: var(--_tint); border: 1px solid color-mix(in srgb, var(--_accent) 35%, var(--_surface)); font-size: 0.8125rem; }
.chip .value { font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: min(380px, 75vw); }
.chip > span { padding-block: 3px; padding-inline-end: 10px; }
.chip button { min-height: 26px; width: 28px; padding: 0; border: 0; border-radius: 999px; background: transparent; color: var(--_muted); flex: none; margin-inline-start: -6px; }
.chip button:hover { color: var(--_text); background: color-mix(in srgb, var(--_accent) 18%, var(--_surface)); }
.chip .icon { width: 12px; height: 12px; }
`;
