"""What stood in the way of a dose, as DetectedIssue: limits that bound it, warnings of rules, an abstention, no dose.

http://hl7.org/fhir/R4/detectedissue.html. Severities are ours: high for what stops every dose and for an abstention,
moderate for what bound the dose, low for a warning and for a proposal to give nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from posology.clinic.fhir.parts import ISSUE, concept, said

SEVERITY = {"stop": "high", "abstention": "high", "limit": "moderate", "warning": "low", "no-dose": "low"}


class Issue(NamedTuple):
    """What kind it is (a key of `SEVERITY`), its name, and a sentence with its source."""

    kind: str
    name: str
    sentence: str


def issues(answer: Mapping[str, Any]) -> list[Issue]:
    """Everything in a recommendation that bound, warned or stopped, each once."""
    found = [Issue("abstention", "no dose is recommended", answer["abstained"])] if answer["abstained"] else []
    chosen = answer["chosen"]
    if chosen and not chosen["mg"] > 0:
        found.append(Issue("no-dose", chosen["label"], f"Nothing is to be given now: {chosen['label']}"))
    for rule in answer["rules"]:
        if rule["effect"] != "none":
            kind = rule["effect"] if rule["effect"] in SEVERITY else "warning"
            found.append(Issue(kind, rule["rule"], f"{rule['says']} ({rule['source']}, {rule['status']})"))
    told = {i.name for i in found}
    return found + [Issue("limit", name, sentence) for name, sentence in _bound(answer).items() if name not in told]


def _bound(answer: Mapping[str, Any]) -> dict[str, str]:
    """Limits that bound the choice, with their sentences."""
    label = answer["chosen"]["label"] if answer["chosen"] else None
    limits = {limit["name"]: limit for option in answer["options"] for limit in option["limits"]}
    names = [answer["bound_by"]] if answer["bound_by"] else []
    names += [limit["name"] for o in answer["options"] if o["label"] == label for limit in o["limits"]]
    sentences = {}
    for name in dict.fromkeys(names):
        limit = limits.get(name)
        sentences[name] = f"{limit['sentence']} ({limit['source']}, {limit['status']})" if limit else f"{name} bound the dose"
    return sentences


def detected(
    issue: Issue, patient: Mapping[str, Any], author: Mapping[str, Any], when: str, implicated: list[dict[str, str]]
) -> dict[str, Any]:
    """The resource: `when` it was found by `author`, and the request that it is about, if there is one."""
    made = {
        "resourceType": "DetectedIssue",
        "status": "final",
        "code": concept(issue.name, ISSUE, issue.kind),
        "severity": SEVERITY[issue.kind],
        "patient": dict(patient),
        "identifiedDateTime": when,
        "author": dict(author),
        "detail": said(issue.sentence),
    }
    return made | ({"implicated": implicated} if implicated else {})
