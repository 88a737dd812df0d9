"""What a clinic's users ask for, as a mix of kinds of requests: 80 reads, 18 writes and 2 recommendations of a hundred."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from posology.benchmarks.clinic_client import Answer, Client

MEASURED = 20
"""Counts of a made-up patient at most; the oldest goes when one is added, so that records do not grow with time (assumed)."""


CYCLE, CYCLES = 21 * 24.0, 3
"""Hours after a dose at which the next is given, and doses of a made-up patient at most."""


class Kind(NamedTuple):
    """A kind of request: its share of a hundred, whether it reads, writes or recommends, and the status of success."""

    share: float
    group: str
    status: int


MIX: Mapping[str, Kind] = {
    "list": Kind(14, "read", 200), "record": Kind(24, "read", 200), "history": Kind(8, "read", 200),
    "page of patients": Kind(12, "read", 200), "page of a patient": Kind(14, "read", 200), "health": Kind(4, "read", 200),
    "jobs": Kind(4, "read", 200), "edit": Kind(6, "write", 200), "observation": Kind(8, "write", 200),
    "new patient": Kind(4, "write", 201), "recommendation": Kind(2, "recommendation", 200),
}  # fmt: skip
"""Assumed: mostly looking, within the shares of reads, writes and recommendations that the bars are for."""


def made_up(name: str, weight: float = 70.0, counts: int = 4) -> dict[str, Any]:
    """A made-up patient under paclitaxel."""
    values = [{"time": 24.0 * (i + 2), "name": "anc", "value": 5.0 - 0.2 * i, "unit": "10*9/L"} for i in range(counts)]
    return {
        "id": name, "start": "2026-09-07T08:00:00+00:00",
        "covariates": {
            "weight": {"value": weight, "unit": "kg"}, "height": {"value": 168, "unit": "cm"}, "male": {"value": 0, "unit": "1"},
            "age": {"value": 60, "unit": "a"}, "bilirubin": {"value": 9, "unit": "umol/L"},
            "baseline_anc": {"value": 5.5, "unit": "10*9/L"},
        },
        "doses": [{"time": 24, "amount": 300, "unit": "mg", "duration": 3, "route": "iv", "drug": "paclitaxel"}],
        "observations": values,
        "conditions": ["ovarian cancer"],
    }  # fmt: skip


@dataclass
class User:
    """One who is logged in: asks, edits the patient that is his own, enters others. No two edit the same patient."""

    client: Client
    name: str
    demo: list[str]
    chance: random.Random
    record: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    version: int = 0
    entered: list[str] = field(default_factory=list)

    async def arrive(self) -> None:
        """Enter the patient of his own.

        Raises:
            ValueError: when the clinic refuses.
        """
        self.record = made_up(f"{self.name}-own")
        answer = await self.client.ask("POST", "/api/patients", self.record)
        if answer.status != 201:
            raise ValueError(f"entering a patient: answered {answer.status}: {answer.sentence}")
        self.key, self.version = answer.json()["key"], 1

    def any_patient(self) -> str:
        """The key of a demo patient, his own, or one that he entered lately."""
        return self.chance.choice([*self.demo, self.key, *self.entered[-10:]])

    async def list(self) -> Answer:
        return await self.client.ask("GET", "/api/patients?limit=50")

    async def read(self) -> Answer:
        return await self.client.ask("GET", f"/api/patients/{self.any_patient()}")

    async def history(self) -> Answer:
        return await self.client.ask("GET", f"/api/patients/{self.any_patient()}/history")

    async def page(self) -> Answer:
        return await self.client.ask("GET", "/patients")

    async def page_of_patient(self) -> Answer:
        return await self.client.ask("GET", f"/patients/{self.any_patient()}")

    async def health(self) -> Answer:
        return await self.client.ask("GET", "/health")

    async def jobs(self) -> Answer:
        return await self.client.ask("GET", "/api/jobs")

    async def edit(self) -> Answer:
        weight = {"value": round(self.chance.uniform(50, 90), 1), "unit": "kg"}
        return await self._changed({"covariates": self.record["covariates"] | {"weight": weight}})

    async def observe(self) -> Answer:
        last = self.record["observations"][-1]
        new = last | {"time": last["time"] + 24, "value": round(self.chance.uniform(0.5, 6), 2)}
        change = {"observations": [*self.record["observations"], new][-MEASURED:]}
        dose = self.record["doses"][-1]
        if new["time"] - dose["time"] >= CYCLE:
            change["doses"] = [*self.record["doses"], dose | {"time": new["time"] + 2}][-CYCLES:]
        return await self._changed(change)

    async def _changed(self, change: dict[str, Any]) -> Answer:
        record = self.record | change
        answer = await self.client.ask("PUT", f"/api/patients/{self.key}", {"version": self.version, "record": record})
        if answer.status == 200:
            self.record, self.version = record, answer.json()["version"]
        return answer

    async def enter(self) -> Answer:
        name = f"{self.name}-{len(self.entered)}"
        answer = await self.client.ask("POST", "/api/patients", made_up(name, round(self.chance.uniform(50, 90), 1)))
        if answer.status == 201:
            self.entered.append(answer.json()["key"])
        return answer

    async def recommend(self) -> Answer:
        """A recommendation on his own patient, whose record has mostly changed since: nothing is remembered."""
        asked = {"patient": self.key, "treatment": "paclitaxel-label-v1", "policy": "map-greedy"}
        return await self.client.ask("POST", "/api/recommendations", asked)


CALLS: Mapping[str, Callable[[User], Awaitable[Answer]]] = {
    "list": User.list, "record": User.read, "history": User.history, "page of patients": User.page,
    "page of a patient": User.page_of_patient, "health": User.health, "jobs": User.jobs, "edit": User.edit,
    "observation": User.observe, "new patient": User.enter, "recommendation": User.recommend,
}  # fmt: skip


async def offered(user: User) -> dict[str, Kind]:
    """The mix of what this clinic answers at all; the shares of the others go to reading records."""
    found, left = dict(MIX), 0.0
    for name in ("jobs", "recommendation"):
        if (await CALLS[name](user)).status in (403, 404, 405):
            left += found.pop(name).share
    found["record"] = found["record"]._replace(share=found["record"].share + left)
    return found
