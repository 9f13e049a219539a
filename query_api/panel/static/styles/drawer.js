// The drawer: its frame, its title, and places for what comes behind the first lines.

export const DRAWER_CSS = `
dialog {
  inset: 0 0 0 auto; width: min(1200px, 92vw); max-width: none; height: 100dvh; max-height: none;
  margin: 0; padding: 0; border: 0; border-inline-start: 1px solid var(--_border);
  background: var(--_surface); color: var(--_text); text-align: start;
  box-shadow: -12px 0 40px rgb(0 0 0 / 22%); overflow: hidden; container: drawer / inline-size;
}
dialog::backdrop { background: rgb(10 16 26 / 42%); }
dialog[open] { display: flex; flex-direction: column; animation: enter 180ms ease-out; }
@keyframes enter { from { transform: translateX(32px); opacity: 0; } }
header {
  position: relative; display: flex; align-items: center; gap: 8px; padding: calc(1.25 * var(--_unit)) 16px var(--_unit) 24px;
}
header .titles { flex: 1; min-width: 0; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 16px; }
h2 { font-size: 1.25rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; }
/* The title takes the focus at the start, so that reading begins there. It is no control, and shows no ring. */
h2:focus-visible { outline: none; }
.subtitle { display: flex; flex-wrap: wrap; gap: 0 12px; color: var(--_muted); }
/* Positioned, so that texts for screen readers are clipped by it: they would make the drawer itself scroll. */
.scroll { position: relative; flex: 1; min-height: 0; overflow: auto; padding: 0 24px 32px; scroll-padding: 124px 0 16px; overscroll-behavior: contain; }
.hint { color: var(--_muted); font-size: 0.8125rem; }
.hint.problem { color: var(--_danger); }

/* Places that are kept for what comes behind the first lines */
.filters-waiting { height: 94px; background: var(--_raised); border-radius: var(--_radius); }
.chips-waiting { height: 32px; margin: var(--_unit) 0; }
.counts-waiting { height: 62px; margin: var(--_unit) 0 0; }

@container drawer (max-width: 640px) {
  header { padding-inline: 16px 8px; gap: 4px; }
  .scroll { padding-inline: 16px; scroll-padding-top: 16px; }
  .filters-waiting { height: 40px; }
}
@container drawer (max-width: 400px) {
  h2 { font-size: 1rem; }
}
@media (max-height: 480px) {
  dialog[open] { overflow: auto; display: block; }
  .scroll { overflow: visible; }
}
@media (max-width: 720px) {
  dialog { width: 100vw; }
}
`;
