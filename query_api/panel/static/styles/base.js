// What every part of the panel is drawn with, and the button on the page. Sheets are constructed, never written into the
// page: a strict `style-src` stays strict.

export const BASE_CSS = `
:host {
  --_surface: var(--uml-color-surface, light-dark(#ffffff, #151a21));
  --_raised: var(--uml-color-raised, light-dark(#f5f7fa, #1d242d));
  --_text: var(--uml-color-text, light-dark(#17202c, #e7ebf1));
  --_muted: var(--uml-color-muted, light-dark(#566173, #a5b0bf));
  --_border: var(--uml-color-border, light-dark(#dde2e9, #323b47));
  --_outline: var(--uml-color-outline, light-dark(#818b9a, #737f90));
  --_accent: var(--uml-color-accent, light-dark(#2456d3, #8fb3ff));
  --_on-accent: var(--uml-color-on-accent, light-dark(#ffffff, #0d1626));
  --_danger: var(--uml-color-danger, light-dark(#b3221b, #ff9d94));
  --_good: light-dark(#17693a, #7fd6a0);
  --_special: light-dark(#6b3fb5, #c9b0ff);
  --_tint: color-mix(in srgb, var(--_accent) 9%, var(--_surface));
  --_radius: var(--uml-radius, 8px);
  --_unit: calc(8px * var(--uml-density, 1));
  display: inline-block;
  font: 400 0.875rem/1.45 var(--uml-font, system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif);
  color: var(--_text);
}
:host([hidden]) { display: none; }
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.hidden-text {
  position: absolute; width: 1px; height: 1px; margin: -1px; padding: 0; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap; border: 0;
}
/* A name is a box of its own: no character in it can turn or cover what stands around it. */
bdi { display: inline-block; max-width: 100%; overflow-wrap: anywhere; vertical-align: bottom; }
.icon { flex: none; display: block; }
h2, h3, p, ul, dl, dd, fieldset, legend { margin: 0; padding: 0; border: 0; min-width: 0; }
ul { list-style: none; }

button, select, input { font: inherit; color: inherit; }
button {
  display: inline-flex; align-items: center; justify-content: center; gap: 6px; min-height: 32px;
  padding: 4px 12px; border: 1px solid var(--_outline); border-radius: var(--_radius);
  background: var(--_surface); color: var(--_text); cursor: pointer; font-weight: 500;
}
button:hover { background: var(--_tint); }
button[disabled], button[aria-disabled="true"] { color: var(--_muted); border-color: var(--_border); cursor: not-allowed; }
button[aria-busy="true"] { cursor: progress; border-style: dashed; }
button.primary { background: var(--_accent); border-color: var(--_accent); color: var(--_on-accent); }
button.primary:hover { background: color-mix(in srgb, var(--_accent) 88%, var(--_text)); }
button.quiet { border-color: transparent; background: transparent; color: var(--_accent); padding: 4px 8px; }
button.quiet:hover { background: var(--_tint); }
button.square { width: 36px; min-height: 36px; padding: 0; border-color: transparent; background: transparent; }
button.square:hover { background: var(--_tint); }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px; }
.problem { color: var(--_danger); font-weight: 600; }
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after { animation: none !important; transition: none !important; }
}
`;

/**
 * A sheet of *css* for *view*'s document. It serves only that document.
 * @param {Window & typeof globalThis} view
 * @param {string} css
 */
export function styleSheet(view, css) {
  const sheet = new view.CSSStyleSheet();
  sheet.replaceSync(css);
  return sheet;
}
