"""What is recorded of drugs: those of the symptoms table with their doses by age, and those dosed by rules and limits."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from posology.clinic.errors import NotFound
from posology.clinic.web.who import Who, logged_in
from posology.safety import sheet
from posology.safety.rules import genes_of
from posology.symptoms.drugs import drugs
from posology.symptoms.page import drug_page

router = APIRouter(prefix="/api/drugs", tags=["drugs"])

Anyone = Annotated[Who, logged_in()]
Id = Annotated[str, Path(pattern="^[a-z0-9-]{1,60}$", description="A drug's id, as the list has it.")]
Kind = Literal["primary care", "by rules"]
PRIMARY: Kind = "primary care"
BY_RULES: Kind = "by rules"


class Listed(BaseModel):
    """A drug in the list."""

    id: str
    title: str
    kind: Kind = Field(description="doses by age are recorded, or ceilings, organs and genes")
    about: str = Field(description="its group, or what is recorded of it")
    indications: list[str]


class Drug(Listed):
    """All that is recorded of a drug."""

    recorded: dict[str, Any] = Field(description="doses by age, contraindications, … or ceilings, kidney, liver, genes, …")
    genes: list[dict[str, Any]] = Field(description="what each phenotype advises; empty: no rule is recorded")


def listed() -> list[Listed]:
    """Every drug: those with doses by age, then those dosed by rules."""
    primary = [
        Listed(id=d.id, title=d.title, kind=PRIMARY, about=d.group, indications=list(d.indications)) for d in drugs().values()
    ]
    return primary + [_by_rules(name) for name in sheet.names() if name not in drugs()]


def _by_rules(name: str) -> Listed:
    found = sheet.sheet(name)
    parts = {"ceilings": "ceiling", "kidney": "kidney", "liver": "liver", "genes": "genes", "interactions": "interactions"}
    told = ", ".join(label for key, label in parts.items() if found[key]) or "limits of its treatment"
    return Listed(id=name, title=found["title"], kind=BY_RULES, about=told, indications=[])


def found(id: str) -> Drug:
    """One drug.

    Raises:
        NotFound: when nothing is recorded of it.
    """
    known = {row.id: row for row in listed()}
    if id not in known:
        raise NotFound(f"drug '{id}': nothing is recorded of it here; that does not mean that it is harmless")
    row = known[id]
    recorded = drug_page(id) if row.kind == PRIMARY else sheet.sheet(id)
    genes = sheet.genes(id) if row.kind == BY_RULES or genes_of(id) else []
    return Drug(**row.model_dump(), recorded=recorded, genes=genes)


@router.get("")
def listing(who: Anyone) -> list[Listed]:
    """Every drug of which something is recorded."""
    return listed()


@router.get("/{id}")
def read(who: Anyone, id: Id) -> Drug:
    """One drug: doses, limits, contraindications, interactions, genes, each with source and status."""
    return found(id)
