"""Which questions the clinic answers, and who may answer them: treatments with limits, guidelines, planners, stored policies.

A treatment is offered when it has limits and is not for research only. Of its baselines those are offered that need nothing
hidden; a stored policy where its files are those that were registered and it was learned on the treatment as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from posology.clinic.errors import NotFound
from posology.environments.catalogue import TREATMENTS
from posology.environments.treatment import Treatment

PREFERRED = ("map-greedy", "ensemble-greedy", "standard")
"""Policies in the order in which they are offered; the first that a treatment has is the default."""


class Offer(NamedTuple):
    """A treatment and a policy: `name` for people and interfaces, `source` as `bedside` takes it (an arm, or a run's folder)."""

    treatment: Treatment
    name: str
    source: str


def treatments() -> list[Treatment]:
    """The treatments that something is recommended from, in the order of the catalogue."""
    return [t for t in TREATMENTS.values() if t.limits and not t.research_only]


def guidelines(treatment: Treatment) -> list[str]:
    """The guidelines and planners of a treatment, the default first; none that needs the hidden truth."""
    known = [name for name in treatment.baselines if not name.startswith("oracle")]
    return [name for name in PREFERRED if name in known] + [name for name in known if name not in PREFERRED]


def offers(treatment: Treatment, stored: Iterable[Mapping[str, Any]] = (), data: Path | None = None) -> list[Offer]:
    """What is offered for a treatment, the default first.

    Args:
        stored: rows of `store.list_policies`; one that is retired, altered or of another fingerprint is left out.
        data: folder of the clinic's files, in which a stored policy must lie.
    """
    found = [Offer(treatment, name, name) for name in guidelines(treatment)]
    of_it = [row for row in stored if row["treatment"] == treatment.id]
    return found + [Offer(treatment, row["name"], str(run)) for row in of_it if (run := usable(row, treatment, data))]


def offer(treatment: str, policy: str = "", stored: Iterable[Mapping[str, Any]] = (), data: Path | None = None) -> Offer:
    """The offer of that name; the default of the treatment for an empty policy.

    Raises:
        NotFound: for a treatment or policy that is not offered, naming those that are.
    """
    asked = {t.id: t for t in treatments()}
    if treatment not in asked:
        raise NotFound(f"treatment: '{treatment[:80]}' is not offered; allowed: {', '.join(asked)}")
    found = {o.name: o for o in offers(asked[treatment], stored, data)}
    if policy and policy not in found:
        raise NotFound(f"policy: '{policy[:80]}' is not offered for {treatment}; allowed: {', '.join(found)}")
    return found[policy] if policy else next(iter(found.values()))


def usable(row: Mapping[str, Any], treatment: Treatment, data: Path | None) -> Path | None:
    """The folder of a stored policy when it may be used: in use, inside `data`, unaltered, of this fingerprint; else None."""
    if data is None or row["retired"] is not None or row["fingerprint"] != treatment.fingerprint:
        return None
    run = (data / row["place"]).resolve()
    inside = run.is_relative_to(data.resolve()) and (run / "policy.json").is_file()
    return run if inside and policy_hash(run) == row["sha256"] else None


def policy_hash(run: Path) -> str:
    """SHA-256 of a run's `policy.json`, which holds the hash of the arrays; what `store.add_policy` is given."""
    return sha256((run / "policy.json").read_bytes()).hexdigest()
