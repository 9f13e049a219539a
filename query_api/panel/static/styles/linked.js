// The line that a link leads to.

export const LINKED_CSS = `
.linked { margin-block: 8px 16px; border: 1px solid var(--_accent); border-radius: var(--_radius); padding: 8px 12px; }
.linked .head { display: flex; align-items: center; justify-content: space-between; }
.linked h3 { font-size: 0.9375rem; }
`;
