"""Figures as images of a page: drawn by the server, on dark paper where the reader's system is dark."""

from __future__ import annotations

from typing import Any

from fastapi.responses import Response

from posology.figures import style

# An image has a policy of its own: nothing but its own styles.
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
DARK = (
    "<style>@media (prefers-color-scheme: dark) {{ rect.background, path.background {{ fill: none; }} svg {{ color: #e7edf2; }} "
    "[fill='{ink}'] {{ fill: #e7edf2; }} [stroke='{ink}'] {{ stroke: #e7edf2; }} [fill='{muted}'] {{ fill: #a9b6c2; }} "
    "[fill='#000'], [fill='black'] {{ fill: #e7edf2; }} [stroke='#888'], [stroke='#ddd'] {{ stroke: #5a6875; }} }}</style>"
)


def image(chart: Any) -> Response:
    """A chart as SVG."""
    drawn = style.svg(chart)
    head, close, rest = drawn.partition(">")
    themed = head + close + DARK.format(ink=style.INK, muted=style.MUTED) + rest.replace('fill="white"', 'fill="none"', 1)
    return Response(themed, media_type="image/svg+xml", headers={"Content-Security-Policy": POLICY})
