/** The look of index.html: system fonts, light and dark, readable on paper. */
export const INDEX_STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #dfe3e8; --page: #f6f7f9; --card: #fff; --accent: #1257a8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --soft: #9aa5b1; --line: #323a44; --page: #14181d; --card: #1c2229; --accent: #7db4f5; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 0; }
h3 { font: 600 .85rem/1.4 ui-monospace, Menlo, Consolas, monospace; color: var(--soft); margin: 1.25rem 0 .5rem; overflow-wrap: anywhere; }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--accent); }
.facts { color: var(--soft); overflow-wrap: anywhere; }
section, nav { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1.25rem 1.5rem; margin-top: 1.25rem; }
nav ul { list-style: none; padding: 0; margin: .75rem 0 0; columns: 16rem auto; }
nav li { padding: .15rem 0; break-inside: avoid; }
.head { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; }
.head .links { margin-left: auto; display: flex; gap: 1rem; font-size: .9rem; }
.count { color: var(--soft); font-size: .9rem; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; font-size: .875rem; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem; border-bottom: 1px solid var(--line); min-width: 6rem; max-width: 22rem; overflow-wrap: break-word; white-space: pre-line; }
th { font-weight: 600; white-space: nowrap; background: var(--page); }
tr:last-child td { border-bottom: 0; }
td.none { color: var(--soft); }
.note { color: var(--soft); font-size: .9rem; }
.files th, .files td { min-width: 4.5rem; max-width: none; overflow-wrap: anywhere; }
main > .note { margin-top: 1.5rem; }
@media (max-width: 32rem) {
  main { padding: 1.25rem .75rem 2.5rem; }
  h1 { font-size: 1.6rem; }
  section, nav { padding: 1rem; }
  th, td { padding: .35rem .5rem; min-width: 3rem; max-width: 13rem; }
}
@media print { body { background: none; } section, nav { border: 0; padding: 0; } .scroll { overflow: visible; } }
`;
