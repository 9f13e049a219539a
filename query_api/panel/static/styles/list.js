// The list: what it counts, what is told above it or in its place, and what stands at its end.

export const LIST_CSS = `
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
.more { display: flex; justify-content: center; padding: 20px 0 0; color: var(--_muted); text-align: center; }
.skeleton { display: grid; gap: 14px; padding: 16px 8px; }
.skeleton div { height: 14px; border-radius: 6px; background: var(--_border); animation: pulse 1.2s ease-in-out infinite alternate; }
.skeleton div:nth-child(even) { width: 82%; }
@keyframes pulse { from { opacity: 0.5; } }
@media (max-height: 480px) {
  .summary { position: static; }
}
`;
