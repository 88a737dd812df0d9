"""Drugs: the list, and a page for each with doses by age, limits, contraindications, interactions and genes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from posology.clinic.api.drugs import BY_RULES, PRIMARY, Anyone, Id, found, listed
from posology.clinic.web.render import page
from posology.symptoms.page import SMALL_TABLE
from posology.symptoms.table import table

NAV = [("Drugs", "/drugs", "")]
router = APIRouter(prefix="/drugs")


@router.get("")
def listing(request: Request, who: Anyone, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """The list of drugs, those that hold a word."""
    word = q.strip().casefold()
    rows = [row for row in listed() if word in f"{row.title} {row.about} {' '.join(row.indications)}".casefold()]
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in (PRIMARY, BY_RULES)}
    return page(request, "drugs.html", title="Drugs", q=q, kinds=kinds, primary=PRIMARY, by_rules=BY_RULES, small=SMALL_TABLE)


@router.get("/{id}")
def drug(request: Request, who: Anyone, id: Id) -> Response:
    """One drug."""
    row = found(id)
    diseases = {d.id: d.title for d in table().diseases}
    return page(
        request, "drug.html", title=row.title, drug=row, recorded=row.recorded, by_age=row.kind == PRIMARY, diseases=diseases
    )
