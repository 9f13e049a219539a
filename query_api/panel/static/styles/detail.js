// The details of a line, and the line that they belong to.

export const DETAIL_CSS = `
tr.line[data-open] td { background: var(--_tint); border-bottom-color: transparent; }
tbody tr.line[data-open]:hover td { background: var(--_tint); }
tr.detail td { padding: 0 8px calc(2 * var(--_unit)) 44px; background: var(--_tint); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(230px, 100%), 1fr)); gap: 10px 24px; }
.facts dt { color: var(--_muted); font-size: 0.8125rem; }
.facts dd { overflow-wrap: anywhere; }
.facts code { font-family: ui-monospace, "Liberation Mono", Menlo, monospace; font-size: 0.75rem; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr); align-items: start; gap: 14px 32px; }
.life h3 { display: inline-block; margin: 0 17px 4px 0; font-size: 0.8125rem; }
.life > .quiet { margin-inline-start: -9px; }
.life ol { margin: 0; padding: 0; list-style: none; }
.life li { --_of: var(--_accent); position: relative; padding: 0 0 8px 20px; }
.life li::before { content: ""; position: absolute; left: 2px; top: 5px; width: 8px; height: 8px; border-radius: 50%; background: var(--_of); z-index: 1; }
.life li:not(:last-child)::after { content: ""; position: absolute; left: 5px; top: 8px; bottom: -8px; border-left: 2px solid var(--_border); }
.life [aria-current="true"] { font-weight: 600; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 14px 0; }
.raw h3 { margin: 0 0 4px; font-size: 0.8125rem; }
pre { margin: 0; padding: 12px; max-height: 320px; overflow: auto; border: 1px solid var(--_border); border-radius: var(--_radius);
  background: var(--_surface); font: 0.8125rem/1.5 ui-monospace, "Liberation Mono", Menlo, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: isolate; text-align: left; }
@container drawer (min-width: 800px) {
  .columns:has(.life) { grid-template-columns: minmax(0, 1fr) minmax(0, 360px); }
}
@container drawer (max-width: 640px) {
  tr.line[data-open] { margin-bottom: 0; border-end-start-radius: 0; border-end-end-radius: 0; background: var(--_tint); }
  tr.detail { margin-bottom: 10px; border: 1px solid var(--_border); border-top: 0; border-radius: 0 0 calc(var(--_radius) + 2px) calc(var(--_radius) + 2px); overflow: hidden; }
  tr.detail td { padding: 12px 14px; }
  .actions button { flex: 1 1 auto; }
}
`;
