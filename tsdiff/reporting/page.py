"""The page: one file with its looks, its script and plotly.js, and no way out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tsdiff.plotting.style import as_template, default_template
from tsdiff.plotting.thinning import SCRIPT as THINNING
from tsdiff.reporting.markup import text

#: What a browser lets the page do: show what it holds, and ask nobody for anything.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)
_LOOKS = """
:root { color-scheme: %(scheme)s; --ground: %(ground)s; --ink: %(ink)s; }
%(dark)s
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem; background: var(--ground);
  color: var(--ink); line-height: 1.5; font: 1rem/1.5 system-ui, -apple-system,
  'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 0.75rem; padding-top: 0.75rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.75rem 0 0.5rem; }
:root { --line: color-mix(in srgb, var(--ink) 22%%, transparent);
  --faint: color-mix(in srgb, var(--ink) 5%%, transparent); }
p, ul { max-width: 46rem; margin: 0.6rem 0; }
ul { padding-left: 1.25rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; padding: 0;
  list-style: none; max-width: none; }
a { color: inherit; text-underline-offset: 0.2em; }
.alarm { border-left: 4px solid #D55E00; background: var(--faint);
  padding: 0.5rem 0.75rem; }
.scroll { overflow-x: auto; max-height: 36rem; margin: 0.75rem 0; }
table { border-collapse: collapse; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: 0.4rem 0; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line);
  text-align: right; vertical-align: top; }
td { overflow-wrap: normal; }
th { overflow-wrap: break-word; font-weight: 500; }
thead th { border-bottom-width: 2px; vertical-align: bottom; }
th:first-child { text-align: left; min-width: 7rem; max-width: 18rem;
  padding-left: 0; }
.words td, .words thead th { text-align: left; }
.beside { display: flex; flex-wrap: wrap; gap: 0 4rem; }
.beside .scroll { max-height: none; }
figure { margin: 1rem 0; }
figcaption { font-size: 0.9rem; }
@media (max-width: 30rem) {
  figure { margin: 1rem -1rem; }
  figcaption { padding: 0 1rem; }
}
"""
_SCRIPT = """
const night = matchMedia("(prefers-color-scheme: dark)"), drawn = new Set();
function draw(place) {
  const held = JSON.parse(place.nextElementSibling.textContent);
  for (const [path, value] of night.matches ? held.dark : []) {
    const last = path.pop();
    path.reduce((part, key) => part[key], held.figure)[last] = value;
  }
  const how = {responsive: true, displaylogo: false, showSendToCloud: false};
  Plotly.react(place, held.figure.data, held.figure.layout, how);
  if (place.thin) place.thin();
  else if (held.whole) place.thin = thinToScreen(place, held.whole);
  drawn.add(place);
}
const places = [...document.querySelectorAll(".plot")];
const watch = new IntersectionObserver(seen => seen.forEach(one => {
  if (one.isIntersecting) { watch.unobserve(one.target); draw(one.target); }
}), {rootMargin: "600px"});
places.forEach(place => watch.observe(place));
night.addEventListener("change", () => drawn.forEach(draw));
addEventListener("beforeprint", () => places.forEach(p => drawn.has(p) || draw(p)));
"""
_HEADING = re.compile(r"<section id='([^']*)'><h2>(.*?)</h2>")


def make_page(title: str, sections: Sequence[str], template: Any = None) -> str:
    """Put sections together to one HTML file that needs nothing else.

    Parameters
    ----------
    title : str
    sections : sequence of str
        Markup, from `tsdiff.reporting.markup.section`.
    template : str or plotly template, optional
        Its ground and text are those of the page; by default light or dark, as the
        reader's browser is set.

    Returns
    -------
    str
    """
    from plotly.offline import get_plotlyjs

    body = "\n".join(sections)
    links = "".join(
        f"<li><a href='#{name}'>{said}</a></li>"
        for name, said in _HEADING.findall(body)
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{text(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{text(title)}</title>
<style>{_looks(template)}</style>
</head>
<body>
<header><h1>{text(title)}</h1>
<nav aria-label="Sections"><ul>{links}</ul></nav></header>
<noscript><p class="alarm">Pictures are drawn by JavaScript, which is off; all else is
here.</p></noscript>
<main>
{body}
</main>
<script>{get_plotlyjs()}</script>
<script>{THINNING}{_SCRIPT}</script>
</body>
</html>
"""


def _looks(template: Any) -> str:
    """Colours of ground and text: those of a template, or of the reader's setting."""
    if template is not None:
        ground, ink = _colors(template)
        return _LOOKS % {"scheme": "normal", "ground": ground, "ink": ink, "dark": ""}
    (ground, ink), (night, chalk) = _colors(None), _colors(default_template(dark=True))
    dark = (
        "@media (prefers-color-scheme: dark) "
        f"{{ :root {{ --ground: {night}; --ink: {chalk}; }} }}"
    )
    whole = {"scheme": "light dark", "ground": ground, "ink": ink, "dark": dark}
    return _LOOKS % whole


def _colors(template: Any) -> tuple[str, str]:
    """Ground and text of a template; plotly checks that they are colours."""
    import plotly.graph_objects as go

    layout = go.Figure(
        layout={"template": as_template(template)}
    ).layout.template.layout
    return layout.paper_bgcolor or "white", layout.font.color or "#333333"
