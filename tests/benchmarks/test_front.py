"""The front between drug and harm: played exactly, resampled in pairs, and measured by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "learners"))
from probes import EFFICACY, TOXICITY, Window  # noqa: E402

from posology.benchmarks import front  # noqa: E402
from posology.benchmarks.front_points import avoided, resampled, summary  # noqa: E402
from posology.environments.catalogue import treatment  # noqa: E402
from posology.environments.protocol import TreatmentEnvironment  # noqa: E402

PATIENTS = 400


def outcome(intensity, harm, seeds=1):
    """Courses of that intensity; each patient is harmed in all cycles or in none, the same ones in every arm."""
    hit = np.arange(PATIENTS) < harm * PATIENTS
    return np.stack([np.full((seeds, PATIENTS), intensity), np.broadcast_to(hit, (seeds, PATIENTS)).astype(float)], axis=-1)


FOUND = {
    "low": outcome(0.4, 0.0), "high": outcome(0.8, 0.5), "learned": outcome(0.6, 0.1, 3), "rule": outcome(0.5, 0.2),
    "oracle": outcome(0.8, 0.0),
}  # fmt: skip
KINDS = {"low": "fixed dose", "high": "fixed dose", "learned": "learned", "rule": "rule", "oracle": "oracle"}
SAID = {name: {"kind": kind, "weights": None, "dose": None} for name, kind in KINDS.items()}


def test_a_fixed_dose_is_played_on_every_patient():
    env, seen = Window(), []
    play = front.player(env, front.fixed, env.draw(None, 200), jax.random.key(0), ("efficacy", "toxicity"))
    for row in (1, 3):
        seen.append(np.asarray(play({"row": jnp.int32(row)})))
        np.testing.assert_allclose(seen[-1][:, 0], EFFICACY[row])
        assert {round(float(v), 4) for v in seen[-1][:, 1]} == {TOXICITY[row] / 2, TOXICITY[row]}
    np.testing.assert_allclose(seen[1][:, 1] / seen[0][:, 1], TOXICITY[3] / TOXICITY[1], rtol=1e-5)  # the same patients


def test_what_a_point_avoids_is_the_harm_of_a_mixture_of_fixed_doses_less_its_own():
    """At 0.6, halfway from 0.4 to 0.8, fixed doses harm 0.25; at 0.5 they harm 0.125."""
    found = avoided(FOUND, resampled(FOUND), ["low", "high"])
    assert found["learned"]["difference"] == pytest.approx(0.15)
    assert found["rule"]["difference"] == pytest.approx(-0.075)
    assert found["rule"]["lower"] < -0.075 < found["rule"]["upper"] < 0.0
    # 0.5·high − learned: 40 patients lose 0.5, 160 gain it: SD √(0.5·0.25 − 0.15²) = 0.3202
    half = 1.96 * 0.3202 / PATIENTS**0.5
    assert found["learned"]["upper"] - found["learned"]["lower"] == pytest.approx(2 * half, rel=0.1)


def test_points_that_are_beaten_and_the_hypervolume_by_hand():
    """From (0.4, every cycle harmed): low adds nothing of its own width; high 0.4·0.5; learned 0.2·0.9 and, beyond it, high."""
    result = summary(FOUND, SAID, 0.2)
    assert {p["name"]: p["unbeaten"] for p in result["points"]} == {
        "low": True, "high": True, "learned": True, "rule": False, "oracle": False,
    }  # fmt: skip
    volume = result["hypervolume"]
    assert volume["reference"] == {"dose_intensity": 0.2, "grade4_share": 1.0}
    assert volume["fixed dose"]["mean"] == pytest.approx(0.2 * 1.0 + 0.4 * 0.5)
    assert volume["learned"]["mean"] == pytest.approx(0.4 * 0.9)
    assert volume["learned and fixed dose"]["mean"] == pytest.approx(0.2 * 1.0 + 0.2 * 0.9 + 0.2 * 0.5)
    assert volume["added by learned"]["difference"] == pytest.approx(0.08)
    assert 0.0 < volume["added by learned"]["lower"] < 0.08 < volume["added by learned"]["upper"]


def test_every_point_carries_its_weights_or_its_dose():
    env = TreatmentEnvironment(treatment(front.PROBLEM))
    names = [front.preference(0.2), "150 mg/m2", "clinical-rule", "oracle"]
    said = front.about(env, names)
    assert [said[n]["kind"] for n in names] == ["learned", "fixed dose", "rule", "oracle"]
    assert said[names[0]]["weights"] == {"relative_dose_intensity": 0.2, "grade4": 0.8}
    assert names[0] == "a grade 4 cycle weighs 4 full doses"
    assert said["150 mg/m2"]["dose"] == 150.0
    assert len({front.preference(s) for s in front.SHARES}) == len(front.SHARES)
