// The export.

export const EXPORT_CSS = `
.export { position: relative; }
.menu { position: absolute; z-index: 6; inset-block: calc(100% + 4px) auto; inset-inline: auto 0; width: min(390px, calc(100vw - 32px)); padding: 14px; border: 1px solid var(--_outline);
  border-radius: var(--_radius); background: var(--_surface); box-shadow: 0 8px 24px rgb(0 0 0 / 18%); display: grid; gap: 8px; }
.menu .total { font-weight: 600; }
.menu dl { display: grid; gap: 2px; max-height: 30dvh; overflow: auto; }
.menu dl div { display: grid; grid-template-columns: 84px minmax(0, 1fr); gap: 8px; }
.menu dt { color: var(--_muted); }
.menu dd { overflow-wrap: anywhere; }
.formats { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 4px; }
.menu progress { width: 100%; accent-color: var(--_accent); }
@container drawer (max-width: 400px) {
  .export button .words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .menu { inset-inline-end: -40px; }
}
`;
