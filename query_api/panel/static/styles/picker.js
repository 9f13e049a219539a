// The lists that persons are picked from.

export const PICKER_CSS = `
.option bdi { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; text-align: left; }
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
@container drawer (max-width: 800px) {
  .filters > .field:nth-child(2) .options { inset-inline: auto 0; }
}
@media (forced-colors: active) {
  .option[data-active] { outline: 2px solid Highlight; outline-offset: -2px; }
}
`;
