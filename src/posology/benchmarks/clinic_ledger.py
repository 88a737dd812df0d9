"""What a clinic acknowledged, and whether its database still says so: looked at from outside, in SQL of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from posology.benchmarks import servers
from posology.benchmarks.clinic_client import Answer
from posology.benchmarks.clinic_mix import User, made_up

WEIGHTS = """
    SELECT patients.record_id, patients.version, covariates.value FROM patients
    JOIN covariates ON covariates.patient = patients.id AND covariates.name = 'weight' AND covariates.until IS NULL
"""
HALF = """
    SELECT COUNT(*) FROM audit LEFT JOIN {table} kept ON kept.number = audit.number
    WHERE audit.action IN ({actions}) AND kept.number IS NULL
"""
ORPHANS = "SELECT COUNT(*) FROM {table} kept LEFT JOIN audit ON audit.number = kept.number WHERE audit.number IS NULL"
CHAINED = {"decisions": "'decision made'", "patient_versions": "'patient created', 'patient edited'"}
"""Tables whose every row has an audit row of its number, and the actions of those."""
ASKED = {"treatment": "paclitaxel-label-v1", "policy": "standard"}
Row = tuple[int, float]


@dataclass
class Ledger:
    """What one user was told: per patient the version and weight that were acknowledged, and the numbers of decisions.

    `pending` is what was sent and not answered: it may be there or not, but whole. A weight tells one version from another.
    """

    user: User
    kept: dict[str, Row] = field(default_factory=dict)
    pending: dict[str, Row] = field(default_factory=dict)
    decisions: set[int] = field(default_factory=set)
    count: int = 0

    def weight(self) -> float:
        """A weight that was not used before, kg."""
        self.count += 1
        return round(40 + 0.001 * self.count, 3)

    async def enter(self) -> Answer:
        """Enter a patient."""
        name, weight = f"{self.user.name}-{self.count + 1}", self.weight()
        self.pending[name] = (1, weight)
        answer = await self.user.client.ask("POST", "/api/patients", made_up(name, weight))
        return self._told(name, answer, 201)

    async def edit(self) -> Answer:
        """Change the weight of the user's own patient."""
        name, (version, _) = f"{self.user.name}-own", self.kept[f"{self.user.name}-own"]
        self.pending[name] = (version + 1, self.weight())
        edited = {"version": version, "record": made_up(name, self.pending[name][1])}
        answer = await self.user.client.ask("PUT", f"/api/patients/{self.user.key}", edited)
        return self._told(name, answer, 200)

    async def decide(self) -> Answer:
        """Keep a decision on the user's own patient."""
        version, _ = self.kept[f"{self.user.name}-own"]
        asked = {**ASKED, "patient": self.user.key, "version": version, "answer": "rejected", "mg": 0, "reason": "a trial"}
        answer = await self.user.client.ask("POST", "/api/decisions", asked)
        if answer.status == 201:
            self.decisions.add(answer.json()["number"])
        return answer

    def _told(self, name: str, answer: Answer, status: int) -> Answer:
        if answer.status == status:
            self.kept[name] = self.pending.pop(name)
        return answer

    def settle(self, found: dict[str, Row]) -> None:
        """Take over what turned out to be there of what was not answered."""
        for name, sent in self.pending.items():
            if found.get(name) == sent:
                self.kept[name] = sent
        self.pending.clear()


def faults(url: str, ledgers: list[Ledger]) -> dict[str, int]:
    """Lost: what was acknowledged and is not there, or not as it was; half: what is there in part, or without its audit row."""
    with servers.connected(url).connect() as connection:
        found: dict[str, Row] = {name: (version, kg) for name, version, kg in connection.execute(sa.text(WEIGHTS))}
        numbers = set(connection.execute(sa.text("SELECT number FROM decisions")).scalars())
        half = sum(
            connection.execute(sa.text(question.format(table=table, actions=actions))).scalar_one()
            for table, actions in CHAINED.items()
            for question in (HALF, ORPHANS)
        )
        entered = connection.execute(sa.text("SELECT COUNT(DISTINCT record_id) FROM patients")).scalar_one()
        every = connection.execute(sa.text("SELECT COUNT(*) FROM patients")).scalar_one()
    lost = sum(len(ledger.decisions - numbers) for ledger in ledgers)
    for ledger in ledgers:
        lost += sum(found.get(name) != row for name, row in ledger.kept.items() if name not in ledger.pending)
        for name, sent in ledger.pending.items():
            before = ledger.kept.get(name)
            if found.get(name) != sent:
                lost += found.get(name) != before and before is not None
                half += name in found and before is None
        ledger.settle(found)
    return {"lost": lost, "half": half, "twice": every - entered}


def acknowledged(ledgers: list[Ledger]) -> int:
    """Writes that were acknowledged: versions and decisions."""
    return sum(sum(version for version, _ in each.kept.values()) + len(each.decisions) for each in ledgers)


async def arrived(user: User) -> Ledger:
    """A user's ledger, the patient of his own entered.

    Raises:
        ValueError: when the clinic refuses.
    """
    ledger, record = Ledger(user), made_up(f"{user.name}-own", 40.0)
    answer = await user.client.ask("POST", "/api/patients", record)
    if answer.status != 201:
        raise ValueError(f"entering a patient: answered {answer.status}: {answer.sentence}")
    user.key, ledger.kept[record["id"]] = answer.json()["key"], (1, 40.0)
    return ledger


def problem(answer: Answer) -> dict[str, Any]:
    """What an answer says that is none: its status, whether it names a time to come back, and its sentence."""
    return {"status": answer.status, "again": "retry-after" in answer.headers, "sentence": answer.sentence}
