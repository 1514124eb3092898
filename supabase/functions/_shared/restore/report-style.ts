/** The style of a report's page: nothing is fetched, it reads on paper, by day and by night. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --fg: #1b1f24; --bg: #ffffff; --dim: #57606a; --line: #d5dae0; --soft: #f5f7f9;
  --good: #116329; --warn: #7d4e00; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e9ed; --bg: #14171b; --dim: #9aa4af; --line: #343b44;
  --soft: #1d2228; --good: #6fdd8b; --warn: #e9b44c; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 70rem; background: var(--bg); color: var(--fg);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { margin: 0 0 1.25rem; padding-left: .75rem; border-left: .4rem solid currentColor; font-size: 1.7rem; line-height: 1.25; }
h2 { margin: 2.25rem 0 .6rem; font-size: 1.15rem; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.error { margin: 0 0 1.5rem; padding: .8rem 1rem; border: 1px solid var(--bad); border-radius: .4rem; overflow-wrap: anywhere; }
.error p { margin: .3rem 0 0; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: .93rem; }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 600; white-space: nowrap; }
td.good, td.warn, td.bad { white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
ul { margin: .3rem 0; padding-left: 1.2rem; } li { margin: .25rem 0; overflow-wrap: anywhere; }
pre { margin: .35rem 0 .8rem; padding: .6rem .8rem; background: var(--soft); border-radius: .4rem; overflow-x: auto;
  font: .86rem/1.45 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.dim { color: var(--dim); }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; } }
@media print { :root { --fg: #000; --bg: #fff; --dim: #444; --line: #bbb; --soft: #f2f2f2; --good: #0a4d1c; --warn: #5e3a00;
  --bad: #8a0a1e; } body { max-width: none; padding: 0; font-size: 10.5pt; } h2 { break-after: avoid; }
  tr, li, pre { break-inside: avoid; } thead { display: table-header-group; } .wide { overflow: visible; } }
`;
