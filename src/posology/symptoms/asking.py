"""How the symptoms of the table are asked for at a desk: by part of the body, each once."""

from __future__ import annotations

from collections.abc import Mapping

from posology.symptoms.emergency import DANGER
from posology.symptoms.table import table

GROUPS: Mapping[str, tuple[str, ...]] = {
    "General": ("fever", "chills", "fatigue", "muscle-ache"),
    "Head and eyes": ("headache", "light-sensitivity", "itchy-eyes"),
    "Nose, throat, ears": ("runny-nose", "sneezing", "sore-throat", "swollen-neck-glands", "ear-pain"),
    "Chest and breathing": ("cough", "sputum", "breathlessness", "wheeze", "chest-pain"),
    "Stomach and bowel": ("nausea", "vomiting", "diarrhoea", "abdominal-pain", "heartburn", "regurgitation"),
    "Urine and back": ("painful-urination", "frequent-urination", "back-pain"),
}
SIGNS = "Signs of danger"


def groups() -> dict[str, dict[str, str]]:
    """Every symptom with its title, by group; the signs of danger first."""
    titles = {s.id: s.title for s in table().symptoms}
    return {SIGNS: dict(DANGER), **{group: {s: titles[s] for s in listed} for group, listed in GROUPS.items()}}
