"""The page of a report: its text frame and its look, with fields for `string.Template`."""

from __future__ import annotations

from string import Template

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>$title</title>
<style>
:root { color-scheme: light; --ink: #1f2933; --muted: #52606d; --line: #d9dee3; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: #f4f6f8; color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 8px; }
h2 { font-size: 1.2rem; margin: 40px 0 12px; }
p, li { max-width: 78ch; }
.question { font-size: 1.1rem; color: var(--muted); margin: 0 0 20px; }
.use { border-left: 4px solid #d55e00; background: #fff; padding: 10px 16px; margin: 16px 0; }
.answer { background: #fff; border: 1px solid var(--line); border-left: 4px solid var(--accent); padding: 8px 20px; }
.scroll { overflow-x: auto; background: #fff; border: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 12px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
.interval { display: block; color: var(--muted); font-size: .85em; }
thead th { white-space: normal; vertical-align: bottom; background: #f8fafb; }
th:first-child { text-align: left; }
tbody tr:last-child > * { border-bottom: 0; }
figure { margin: 20px 0; background: #fff; border: 1px solid var(--line); padding: 8px; }
figure img { display: block; max-width: 100%; height: auto; }
dt { font-weight: 600; }
dd { margin: 0 0 8px; max-width: 78ch; }
summary { cursor: pointer; color: var(--accent); margin: 12px 0; }
.note { color: var(--muted); font-size: .9rem; }
@media print { body { background: #fff; } figure, tr { break-inside: avoid; } }
</style>
</head>
<body>
<main>
"""

PAGE = Template(HEAD + """<h1>$title</h1>
<p class="question">$question</p>
<p class="use"><strong>Research use only. Not a medical device.</strong> The patients are simulated; nothing here
was tried on people.</p>
<h2>What came out</h2>
<div class="answer">$summary</div>
<h2>The arms</h2>
<dl>$arms</dl>
<h2>Results</h2>
<p class="note">$reading</p>
$results
<h2>In pictures</h2>
$figures
$details
<h2>How it was done</h2>
$method
<h2>Limits of this trial</h2>
<ul>$limits</ul>
<h2>Sources</h2>
<ul>$sources</ul>
</main>
</body>
</html>
""")
