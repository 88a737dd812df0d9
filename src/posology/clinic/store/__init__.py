"""All SQL of the clinic, one subject per file; every write adds a row to the audit trail in its transaction.

    patients    create, read, edit, history, listing, key_of, add_dose, add_observation
"""

from __future__ import annotations

from posology.clinic.store.patients import (
    Patient,
    add_dose,
    add_observation,
    count,
    create,
    edit,
    history,
    key_of,
    listing,
    read,
)

__all__ = [
    "Patient", "add_dose", "add_observation", "count", "create", "edit", "history", "key_of", "listing", "read",
]  # fmt: skip
