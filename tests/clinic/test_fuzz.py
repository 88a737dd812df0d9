"""Schemathesis over the description of the interface: no 5xx, and no answer that the description does not name."""

from __future__ import annotations

import os
import random
import time

import pytest
from fuzz import attack, attacked, operations

from posology.clinic import audit, store

MINUTES = float(os.environ.get("POSOLOGY_ATTACK_MINUTES", "5"))


def sound(target):
    """That the clinic is whole after the attack."""
    engine = target.app.state.clinic.engine
    assert audit.verify(engine).fault is None and list(store.altered(engine)) == []


def test_made_up_requests_get_the_answers_that_are_described(tmp_path):
    with attacked(tmp_path) as target:
        every = operations(target)
        attack(target, every, examples=1, until=time.monotonic() + 20, chance=random.Random(7))
        assert target.faults == []
        assert len(every) >= 15 and sum(target.asked.values()) >= len(every)
        sound(target)


@pytest.mark.slow
@pytest.mark.timeout(60 * MINUTES + 600)
def test_minutes_of_made_up_requests_get_the_answers_that_are_described(tmp_path, capsys):
    chance = random.Random()
    with attacked(tmp_path) as target:
        every, until = operations(target), time.monotonic() + 60 * MINUTES
        while time.monotonic() < until:
            attack(target, every, examples=25, until=until, chance=chance)
        answers = ", ".join(f"{n} of {status}" for status, n in sorted(target.asked.items()))
        with capsys.disabled():
            print(f"\n{sum(target.asked.values())} requests to {len(every)} operations in {MINUTES:g} min: {answers}")
            print(f"{len(target.faults)} answers that are not described")
        assert sorted({fault[:700] for fault in target.faults}) == []
        assert all(status < 500 for status in target.asked)
        sound(target)
