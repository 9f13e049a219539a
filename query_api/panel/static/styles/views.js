// The views. In a narrow drawer they open under all of its head.

export const VIEWS_CSS = `
.views { position: relative; }
.views-menu { position: absolute; z-index: 6; inset-block: calc(100% + 4px) auto; inset-inline: auto 0; display: grid; gap: 4px; width: 400px; max-height: calc(100dvh - 80px); overflow: auto;
  padding: 8px; border: 1px solid var(--_outline); border-radius: var(--_radius); background: var(--_surface); box-shadow: 0 8px 24px rgb(0 0 0 / 18%); }
.views-menu li { display: flex; align-items: center; }
.views-menu li > .quiet { flex: 1; min-width: 0; justify-content: start; text-align: start; color: var(--_text); }
.views-menu h3 { padding: 8px 8px 0; font-size: 0.75rem; color: var(--_muted); }
.views-menu form { flex: 1; display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 8px; padding: 4px 8px; }
.views-menu form label, .views-menu form .hint { grid-column: 1 / -1; }
.views-menu form label { font-weight: 600; font-size: 0.75rem; }
@container drawer (max-width: 640px) {
  .views { position: static; }
  .views-menu { inset: 100% 16px auto; width: auto; }
  .views > button .words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
}
`;
