"""What every figure shares: colours that colour-blind readers can tell apart, type, rendering."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import altair as alt

from posology.safety import ctcae

# Okabe and Ito (2008): distinct under the common colour-vision deficiencies.
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9"
INK, MUTED, FAINT, GRID = "#1f2933", "#52606d", "#cbd2d9", "#e8ebee"
SERIES = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, "#7f7f7f", INK)
# Grades run from too little drug (blue) through light neutrals to too much (vermillion), dark at both ends.
GRADES = {"0": "#2b6cb0", "1": "#c6dbef", "2": "#f0ead2", "3": "#fdd0a2", "4": "#c2410c"}
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
# Neutrophil counts 10*9/L at which a figure draws a line, what lies beyond it, and on which side (pixels down).
GRADE_0_FROM, GRADE_4_BELOW = ctcae.bounds("anc")[0], ctcae.bounds("anc")[3]
GRADE_LINES = ((GRADE_0_FROM, "grade 0", -7), (GRADE_4_BELOW, "grade 4", 8))
ANC_TITLE = "Neutrophils (10^9/L, log scale)"


def values(rows: Iterable[Mapping[str, Any]]) -> alt.InlineData:
    """Rows as data inside the chart, so that a figure needs no file and no network."""
    return alt.InlineData(values=[dict(row) for row in rows])


def finish(chart: Any, title: str, subtitle: str | list[str], description: str) -> Any:
    """The chart with its title, its alternative text and the shared look."""
    heading = alt.TitleParams(text=title, subtitle=subtitle, anchor="start")
    return (
        chart.properties(title=heading, description=description)
        .configure(font=FONT, background="white", padding=12)
        .configure_title(fontSize=16, fontWeight=600, color=INK, subtitleColor=MUTED, subtitleFontSize=12, offset=14)
        .configure_axis(
            labelColor=MUTED, titleColor=INK, titleFontWeight=500, gridColor=GRID, domainColor=FAINT,
            tickColor=FAINT, labelFontSize=11, titleFontSize=12,
        )
        .configure_legend(labelColor=INK, titleColor=INK, titleFontWeight=500, labelFontSize=11, labelLimit=320)
        .configure_view(stroke=None)
    )  # fmt: skip


def panels(charts: Mapping[str, Any], *, share_y: bool = False) -> Any:
    """Charts side by side, each under its name, in rows filled as evenly as three columns allow.

    `share_y` gives them one vertical scale where the charts do not fix their own.
    """
    columns = 2 if len(charts) in (2, 4) else min(3, max(1, len(charts)))
    named = [
        chart.properties(title=alt.TitleParams(text=name, fontSize=12, anchor="middle", offset=4))
        for name, chart in charts.items()
    ]
    joined = alt.concat(*named, columns=columns, spacing=18)
    return joined.resolve_scale(y="shared") if share_y else joined


def svg(chart: Any) -> str:
    """The chart as SVG text; needs no browser and no network. Its description is its alternative text."""
    import vl_convert

    spec = chart.to_dict()
    spec["config"] = {**spec.get("config", {}), "aria": False}  # an image is read out as one, not mark by mark
    words = escape(spec.get("description", ""), quote=True)
    return lean(str(vl_convert.vegalite_to_svg(spec))).replace("<svg ", f'<svg role="img" aria-label="{words}" ', 1)


def lean(drawing: str) -> str:
    """The same picture in less text: the font said once, hundredths of a pixel, nothing that is not seen."""
    for unseen in (' opacity="1"', ' pointer-events="none"', f' font-family="{FONT}"', ' aria-hidden="true"'):
        drawing = drawing.replace(unseen, "")
    drawing = re.sub(r' class="[^"]*"', "", drawing)
    drawing = re.sub(r'<path d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>', "", drawing)
    drawing = re.sub(r'(?<= )(?:d|transform|[xy][12]?|width|height|r)="[^"]*"', _rounded, drawing)
    return drawing.replace("<svg ", f'<svg font-family="{FONT}" ', 1)


def _rounded(place: re.Match[str]) -> str:
    return re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda n: f"{round(float(n[0]), 2) + 0.0:.12g}", place[0])


def png(chart: Any, scale: float = 2.0) -> bytes:
    """The chart as a PNG image, `scale` pixels per point."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(chart.to_dict(), scale=scale))
