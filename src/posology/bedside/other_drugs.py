"""What a patient's allergies and other drugs say of a drug: rows like those of the rules (`rules.rows`), the stops first.

An allergy to the drug, to its family or to what is in its vial stops every dose, and so does the same drug on the list of
medications: nobody knows then what is given already. Another drug of the family and an interaction warn.
"""

from __future__ import annotations

from typing import Any

from posology.bedside.rules import NONE, STOPS, WARNS
from posology.data.record import Record
from posology.safety.families import SOURCE, STATUS, speaks_of
from posology.safety.interactions import AVOID, DOSE, EXPOSURE, WATCH, Interaction, known

NOTHING_KNOWN = "posology.safety.interactions"


def rows(record: Record, drug: str) -> list[dict[str, Any]]:
    """What allergies, the same or a kindred drug, and interactions say."""
    allergies = speaks_of(drug, record.allergies)
    found = [_row("allergy", m.said, f"allergy '{m.said}': {m.why}; nothing may be given", STOPS) for m in allergies]
    same = speaks_of(drug, record.medications)
    for m in same:
        said = f"'{m.said}' is among the medications: {m.why}"
        said += "; enter its doses in the record instead" if m.itself else "; two of a kind are seldom meant"
        found.append(_row("duplicate", m.said, said, STOPS if m.itself else WARNS))
    others = [name for name in record.medications if name not in {m.said for m in same}]
    told = known(drug, others)
    for p in told.found:
        found.append(_row("interaction", p.other, f"{p.other}: {words(p.interaction, drug)}", WARNS, p.interaction.status))
    if told.nothing_recorded:
        found.append(_row("interaction", None, told.sentence, NONE))
    return sorted(found, key=lambda row: (row["effect"] != STOPS, row["effect"] != WARNS))


def stops(found: list[dict[str, Any]]) -> str | None:
    """Why nothing may be given, in words; None where something may."""
    return "; ".join(row["says"] for row in found if row["effect"] == STOPS) or None


def words(i: Interaction, drug: str) -> str:
    """An interaction in words; nothing here changes a dose."""
    if i.kind == AVOID:
        return f"to be avoided with {drug}: {i.why}"
    if i.kind == WATCH:
        return i.why
    said = {EXPOSURE: "exposure to", DOSE: "usual dose of"}.get(i.kind, "clearance of")
    return f"{said} {i.of or drug} about {i.printed or f'times {i.factor:g}'}: {i.why}; no dose here is changed for it"


def _row(rule: str, value: Any, says: str, effect: str, status: str = STATUS) -> dict[str, Any]:
    source = SOURCE if effect != NONE else NOTHING_KNOWN
    binding = effect == STOPS
    return {"rule": rule, "value": value, "says": says, "binding": binding, "effect": effect, "source": source, "status": status}
