// The lines: a table, or cards where there is no room for one.

export const TABLE_CSS = `
/* What is of another question loses its color and no contrast: it can still be read. */
.frame[aria-busy="true"] table, .frame[data-stale] table { filter: grayscale(1); }
.frame[aria-busy="true"] { cursor: progress; box-shadow: 0 -2px var(--_accent); }
table { width: 100%; border-collapse: separate; border-spacing: 0; table-layout: fixed; font-size: 0.8125rem; }
thead th { position: sticky; top: 38px; z-index: 2; height: 29px; padding: 5px 8px; background: var(--_surface); border-bottom: 1px solid var(--_outline);
  text-align: start; font-size: 0.75rem; font-weight: 600; color: var(--_muted); vertical-align: bottom; white-space: nowrap; }
.day th { position: sticky; top: 67px; z-index: 1; padding: 3px 8px; background: var(--_raised); text-align: start; font-size: 0.8125rem; font-weight: 600; }
.day th span { color: var(--_muted); font-weight: 400; }
td { padding: calc(0.6 * var(--_unit)) 8px; line-height: 1.35; border-bottom: 1px solid var(--_border); vertical-align: top; overflow-wrap: break-word; }
tr.line, tr.import { cursor: pointer; }
tr.import .name { font-weight: 600; vertical-align: baseline; }
time + .second, tr.import .quiet { white-space: nowrap; }
tr.import .quiet { min-height: 26px; padding: 2px 8px; margin-inline-start: -8px; }
tbody :is(.line, .import):hover td { background: var(--_raised); }
thead th:first-child, td.toggle { width: 40px; padding-inline: 4px 0; }
th.occurred_at { width: 11.5%; } th.activity { width: 17%; } th.affected_user { width: 22%; } th.admin { width: 20%; } th.channel { width: 9.5%; }
td.toggle button { width: 28px; min-height: 28px; padding: 0; border-color: transparent; background: transparent; margin-top: -4px; color: var(--_muted); }
td.toggle button:hover { background: color-mix(in srgb, var(--_accent) 14%, transparent); color: var(--_text); }
td.toggle .icon { transition: transform 120ms; }
td.toggle button[aria-expanded="true"] .icon { transform: rotate(90deg); }
time { font-variant-numeric: tabular-nums; }
.second { display: block; color: var(--_muted); font-size: 0.75rem; overflow-wrap: anywhere; }
.person .second bdi { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.badge { display: inline-flex; align-items: flex-start; gap: 6px; font-weight: 550; }
.badge .icon { margin-top: 2px; }
.badge[data-type="user_creation"] .icon { color: var(--_good); }
.badge[data-type="user_deletion"] .icon { color: var(--_danger); }
.badge[data-type="user_license_update"] .icon { color: var(--_accent); }
.badge[data-type="admin_rights_update"] .icon { color: var(--_special); }
.person .name { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; text-align: left; font-weight: 550; }
.person.deleted .name, .person.nameless .name { font-weight: 400; font-style: italic; color: var(--_muted); }
span.change { display: block; }
.change .icon { display: inline-block; width: 12px; height: 12px; color: var(--_muted); }
del { text-decoration-color: color-mix(in srgb, currentColor 60%, transparent); color: var(--_muted); }
del bdi { text-decoration: inherit; }
ins { text-decoration: none; font-weight: 600; }
td .value { cursor: pointer; }
td .value:hover { text-decoration: underline; }
@container drawer (max-width: 800px) {
  th.occurred_at { width: 11%; } th.activity { width: 19%; } th.affected_user { width: 17.5%; } th.admin { width: 18.5%; } th.channel { width: 10.5%; }
  thead th { height: 45px; white-space: normal; }
  .day th { top: 83px; }
  thead th:first-child, td.toggle { width: 32px; padding-inline: 0; }
  thead th, td { padding-inline: 5px; }
  tr.line time + .second { display: none; }
  tr.import .quiet { white-space: normal; }
}
@container drawer (max-width: 640px) {
  tr.line time + .second { display: block; }
  table, tbody, tr, td { display: block; }
  table { font-size: 0.875rem; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr.line, tr.import { position: relative; margin-bottom: 10px; padding: 12px 14px; border: 1px solid var(--_border); border-radius: calc(var(--_radius) + 2px); }
  .day th { display: block; position: static; margin-bottom: 8px; border-radius: var(--_radius); }
  tr.line:hover td { background: transparent; }
  td { padding: 0; border: 0; background: transparent; }
  tr.line td + td { margin-top: 6px; }
  tr.line td[data-label] { display: grid; grid-template-columns: 104px minmax(0, 1fr); gap: 8px; }
  tr.line td.toggle + td { padding-inline-end: 40px; }
  tr.line td[data-label]::before { content: attr(data-label); color: var(--_muted); font-size: 0.8125rem; line-height: calc(1.45 * 0.875rem); }
  td.toggle { position: absolute; inset: 8px 8px auto auto; width: auto; margin: 0; }
  td.toggle button { width: 36px; min-height: 36px; margin: 0; }
  td.toggle .icon { transform: rotate(90deg); }
  td.toggle button[aria-expanded="true"] .icon { transform: rotate(-90deg); }
}
@media (max-height: 480px) {
  thead th, .day th { position: static; }
}
`;
