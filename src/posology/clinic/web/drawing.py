"""Figures as images of a page: drawn by the server, on dark paper where the reader's system is dark."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from posology.figures import style

# An image has a policy of its own: nothing but its own styles.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
DARK = (
    "<style>@media (prefers-color-scheme: dark) {{ [fill='{ink}'] {{ fill: #e7edf2; }} [stroke='{ink}'] {{ stroke: #e7edf2; }} "
    "[fill='{muted}'] {{ fill: #a9b6c2; }} [stroke='{faint}'], [stroke='{grid}'] {{ stroke: #3b4854; }} "
    "[fill='white'] {{ fill: #182029; }} }}</style>"
)


def image(chart: Any) -> Response:
    """A chart as SVG."""
    return themed(style.svg(chart))


def themed(drawn: str) -> Response:
    """A chart that was drawn as SVG."""
    head, close, rest = drawn.partition(">")
    themes = DARK.format(ink=style.INK, muted=style.MUTED, faint=style.FAINT, grid=style.GRID)
    image = head + close + themes + rest.replace('fill="white"', 'fill="none"', 1)
    return Response(image, media_type="image/svg+xml", headers={"Content-Security-Policy": POLICY})
