"""Nab-paclitaxel, docetaxel and paclitaxel up to 200 mg/m2: the label's doses act as clinics know them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.data.history import DAY
from posology.environments.catalogue import treatment
from posology.environments.facts import facts_of
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.arms import guideline
from posology.evaluation.rollout import play
from posology.safety.shield import allowed, bound_name, offered

KEY = jax.random.key(11)


def ever_below(name, arm, *bounds, patients=400):
    """Shares of patients whose count was ever below each bound."""
    env = TreatmentEnvironment(treatment(name))
    played = play(env, guideline(arm, env), env.draw(KEY, patients), KEY)
    lowest = np.nanmin(played.lowest, axis=1)
    shares = [float((lowest < b).mean()) for b in bounds]
    print(f"{name} {arm}: ever below {bounds}: {np.round(shares, 3)}")
    return shares


def test_docetaxel_100_brings_grade_4_to_about_three_quarters_as_in_its_label():
    """Attributed to the label, not read there: 95.5 % of 2045 patients ever below 2.0, 75.4 % below 0.5."""
    grade1, grade4 = ever_below("docetaxel-cycles-v1", "fixed:100", 2.0, 0.5)
    assert grade1 == pytest.approx(0.955, abs=0.06)
    assert grade4 == pytest.approx(0.754, abs=0.12)


def test_docetaxel_75_spares_more_patients_than_100():
    """Attributed to the label, not read there: 84 % of 176 patients ever below 2.0, 65 % below 0.5."""
    grade1, grade4 = ever_below("docetaxel-cycles-v1", "standard", 2.0, 0.5)
    assert grade1 == pytest.approx(0.84, abs=0.12)
    assert 0.4 < grade4 < 0.7


def test_nab_paclitaxel_260_brings_neutropenia_to_most_and_grade_4_to_few():
    """Label, 229 patients with breast cancer at 260 mg/m2: 80 % ever below 2.0, 9 % below 0.5."""
    grade1, grade4 = ever_below("nab-paclitaxel-cycles-v1", "standard", 2.0, 0.5)
    assert grade1 == pytest.approx(0.80, abs=0.1)
    assert 0.04 < grade4 < 0.22


def first_visit(name):
    env = TreatmentEnvironment(treatment(name))
    patients = env.draw(KEY, 50)
    return env, patients, jax.jit(jax.vmap(lambda p: env.reset(KEY, p)))(patients)


def test_docetaxel_patients_enter_with_a_normal_liver():
    _, patients, (_, _, mask) = first_visit("docetaxel-cycles-v1")
    assert float(patients.covariates["bilirubin"].max()) <= 21.0
    assert float(patients.covariates["hep12"].max()) == 0.0
    assert len(set(np.asarray(patients.covariates["bilirubin"]))) > 40
    assert np.asarray(mask)[:, 1:].all()


@pytest.mark.parametrize(("channel", "value"), [("bilirubin", 21.5), ("hep12", 1.0)])
def test_a_record_with_an_impaired_liver_is_given_no_docetaxel(channel, value):
    env, _, (state, _, _) = first_visit("docetaxel-cycles-v1")
    t, history = env.treatment, jax.tree.map(lambda v: v[0], state.history)
    mine = history.what == env.names.index(channel)
    history = history._replace(value=jnp.where(mine & history.present, value, history.value))
    facts = facts_of(history, 0.0 * DAY, t)
    mask, abstained = offered(t.limits, t.spec, facts)
    assert not np.asarray(mask)[1:].any()
    assert bool(abstained)
    assert bound_name(t.limits, int(allowed(t.limits, t.spec, facts)[1][-1])) == "docetaxel-liver"


def test_the_option_of_200_opens_more_doses_and_is_another_question():
    usual, more = treatment("paclitaxel-label-v1"), treatment("paclitaxel-label-200-v1")
    assert max(a.amount for a in more.actions) == 200.0
    assert {a.amount for a in usual.actions if a.amount != 175.0} < {a.amount for a in more.actions}
    assert usual.fingerprint != more.fingerprint
    assert {x.id for x in usual.limits} != {x.id for x in more.limits} or usual.limits != more.limits
