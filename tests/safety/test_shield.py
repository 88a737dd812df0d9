"""A million adversarial fact sets per limit set and policy kind, judged by limits recomputed in `oracle.py`."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.spec import Action, Spec
from posology.policies.policy import Policy
from posology.safety.drugs import LIMITS, limits_of
from posology.safety.limits import Facts, anc_gate, minimum_interval, single_dose
from posology.safety.shield import allowed, bound_name, bound_names, decide, interval, offered, shield

_spec = importlib.util.spec_from_file_location("safety_oracle", Path(__file__).with_name("oracle.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

N, SOME = 1_000_000, 20_000  # fact sets behind the shield, and without it
NORMAL = Facts(**{k: float(v) for k, v in oracle.NORMAL.items()})
DAILY = ("phenobarbital-neonate", "vancomycin")  # bounded by what is given in a day
TAXANES = [name for name in LIMITS if name not in DAILY]


def taxane_spec(unit="mg/m2"):
    doses = [Action(f"{d}", float(d), unit, 3.0, 21.0) for d in (60, 70, 100, 101, 115, 175, 176, 200, 260, 270)]
    delay = Action("wait a week", 0.0, unit, 0.0, 7.0, delay=True)
    return Spec("taxane", (), (*doses, delay, Action("none", 0.0, unit, 0.0, 21.0)), (), ())


def neonate_spec(unit="mg/kg"):
    doses = [
        Action(f"{d} every {h} h", d, unit, 0.0, 1.0, h) for d in (0.0, 1.25, 2.5, 2.75, 5.0, 5.5) for h in (12.0, 24.0)
    ]
    return Spec("neonate", (), tuple(doses), (), ())


def vancomycin_spec(unit="mg"):
    amounts, hours = (0.0, 500.0, 1250.0, 2250.0, 2500.0), (12.0, 24.0)
    doses = [Action(f"{d:g} every {h} h", d, unit, 1.0, 1.0, h) for d in amounts for h in hours]
    return Spec("vancomycin", (), tuple(doses), (), ())


def spec_of(name):
    return {"phenobarbital-neonate": neonate_spec, "vancomycin": vancomycin_spec}.get(name, taxane_spec)()


def table_of(spec):
    column = {k: np.array([getattr(a, k) for a in spec.actions]) for k in ("amount", "delay", "interval")}
    return column


def stacked(facts):
    return Facts(**{k: jnp.asarray(v) for k, v in facts.items()})


@pytest.fixture(scope="module")
def million():
    return oracle.adversarial(N, seed=20)


# Policies that try everything. The observation is one random integer per patient.


def always_too_much(key, observation, mask, memory):
    return jnp.int32(8), memory


def any_integer(key, observation, mask, memory):
    return jnp.where(observation % 3 == 0, observation, observation % 14 - 1).astype(jnp.int32), memory


def random_masked_argmax(key, observation, mask, memory):
    # logits of an untrained network: some rows win whatever the patient, some are not numbers
    logits = jnp.sin(observation.astype(jnp.float32) * jnp.arange(1.0, 1.0 + len(mask)) * 0.37)
    logits = jnp.where(observation % 7 == 0, jnp.nan, logits)
    return jnp.argmax(jnp.where(mask, logits, -jnp.inf)).astype(jnp.int32), memory


DISCRETE = [always_too_much, any_integer, random_masked_argmax]


def any_amount(key, observation, mask, memory):
    odd = jnp.array([jnp.nan, jnp.inf, -jnp.inf, -1.0, 1e30, 0.0, 175.0, 175.00002, 5.0000005, 115.0])
    return jnp.where(
        observation % 2 == 0, odd[observation // 2 % 10], (observation % 40_000).astype(jnp.float32) / 100.0
    ), memory


def run(act, observations, facts):
    return jax.jit(jax.vmap(lambda o, f: act(None, (o, f), None, ())[0]))(observations, facts)


def discrete_violations(name, facts, actions):
    """Actions beyond a limit, counted by the oracle; with no row open, anything but a zero dose counts."""
    table = table_of(spec_of(name))
    rows = oracle.open_rows(name, facts, table)
    inside = (actions >= 0) & (actions < rows.shape[1])
    safe = np.where(inside, actions, 0)
    permitted = rows[np.arange(len(actions)), safe]
    nothing = ~rows.any(axis=1)
    return int((~inside | ~(permitted | (nothing & (table["amount"][safe] == 0)))).sum())


@pytest.fixture(scope="module")
def observations():
    return jnp.asarray(np.random.default_rng(3).integers(-(2**31), 2**31 - 1, N, dtype=np.int32))


@pytest.mark.parametrize("name", LIMITS)
def test_mask_equals_the_recomputed_limits_on_a_million_fact_sets(name, million):
    spec = spec_of(name)
    mask, bound_by = jax.jit(jax.vmap(lambda f: allowed(limits_of(name), spec, f)))(stacked(million))
    expected = oracle.open_rows(name, million, table_of(spec))
    if name in TAXANES:  # a zero-dose visit is no dose: the gate lets only delays through
        assert 0.02 < expected.any(axis=1).mean() < 0.98
    assert int((np.asarray(mask) != expected).sum()) == 0
    assert np.array_equal(np.asarray(bound_by) >= 0, ~expected)


@pytest.mark.parametrize("name", LIMITS)
def test_no_discrete_policy_passes_the_shield_and_all_do_without_it(name, million, observations):
    spec, facts = spec_of(name), stacked(million)
    for act in DISCRETE:
        policy = Policy(act.__name__, lambda k, o, m, s, act=act: act(k, o[0], m, s))
        kept = shield(policy, limits_of(name), spec, facts_of=lambda observation: observation[1])
        actions = np.asarray(run(kept.act, observations, facts))
        assert discrete_violations(name, million, actions) == 0, act.__name__

        def bare(key, observation, mask, memory, policy=policy):
            return policy.act(key, observation, jnp.ones(len(spec.actions), bool), memory)

        few = {k: v[:SOME] for k, v in million.items()}
        asked = np.asarray(run(bare, observations[:SOME], stacked(few)))
        assert discrete_violations(name, few, asked) > SOME // 100, act.__name__


def continuous_top(name, facts, unit):
    """Largest dose in `unit`, with one rounding of float32 where the size of the patient enters."""
    facts = oracle.normal(facts)
    with np.errstate(invalid="ignore", over="ignore"):
        if name == "phenobarbital-neonate":
            top = np.full(N, 5.0)
            per, size = "/kg/d", facts["weight"]
        elif name == "vancomycin":
            known = np.isfinite(facts["weight"]) & (facts["weight"] > 0)
            return np.where(known, oracle.vancomycin_most(facts) * (1 + 1e-6), 0.0)
        else:
            top = np.where(oracle.gate_open(facts), oracle.largest_dose(name, facts), 0.0)
            per, size = "/m2", facts["bsa"]
        if per in unit:
            return top
        known = np.isfinite(size) & (size > 0)
        return np.where(known, top * size.astype(float) * (1 + 1e-6), 0.0)


@pytest.mark.parametrize(
    ("name", "unit", "high"),
    [*[(t, "mg/m2", 1e4) for t in TAXANES], ("paclitaxel", "mg", 1e4)]
    + [("phenobarbital-neonate", "mg/kg/d", 1e3), ("phenobarbital-neonate", "mg/d", 1e4), ("vancomycin", "mg/d", 1e4)],
)
def test_no_continuous_policy_passes_the_shield_and_it_would_without(name, unit, high, million, observations):
    spec = Spec("continuous", (), (), (), (), low=0.0, high=high, action_unit=unit)
    facts = stacked(million)

    def act(key, observation, mask, memory):
        return any_amount(key, observation[0], mask, memory)

    kept = decide(Policy("any", act), limits_of(name), spec, facts_of=lambda observation: observation[1])
    choice = run(kept, observations, facts)
    given, top = np.asarray(choice.action).astype(float), continuous_top(name, million, unit)
    assert int((~np.isfinite(given) | (given < 0) | (given > top)).sum()) == 0
    assert np.all(np.asarray(choice.abstained)[top <= 0])
    asked = np.asarray(run(act, observations, facts)).astype(float)
    assert int((~np.isfinite(asked) | (asked < 0) | (asked > top)).sum()) > N // 10
    inside = np.isfinite(asked) & (asked >= 0) & (asked <= top * (1 - 2e-6)) & (asked <= high) & (top > 0)
    assert np.array_equal(given[inside], asked[inside]) and inside.sum() > 1000


# One patient at a time.


def choice(name, facts, action, spec=None, mask=None):
    spec = spec or spec_of(name)
    policy = Policy("fixed", lambda k, o, m, s: (jnp.asarray(action), s))
    found, _ = decide(policy, limits_of(name), spec, facts)(None, None, mask, ())
    label = spec.actions[int(found.action)].label if spec.actions else float(found.action)
    return label, bound_name(limits_of(name), int(found.bound_by)), bool(found.abstained)


def test_a_dose_within_all_limits_is_kept_and_nothing_bound_it():
    assert choice("paclitaxel", NORMAL, 4) == ("115", None, False)


def test_a_dose_above_the_maximum_becomes_the_nearest_allowed_and_names_the_maximum():
    assert choice("paclitaxel", NORMAL, 8) == ("175", "paclitaxel-maximum", False)
    assert choice("paclitaxel-200", NORMAL, 8) == ("200", "paclitaxel-maximum", False)


def test_raised_bilirubin_lowers_the_dose_and_names_the_rule():
    assert choice("paclitaxel", NORMAL._replace(bilirubin=40.0), 5) == ("115", "paclitaxel-bilirubin", False)
    assert choice("paclitaxel", NORMAL._replace(bilirubin_ratio=3.6), 5) == ("70", "paclitaxel-bilirubin", False)


def test_bilirubin_above_ten_times_normal_means_no_dose_and_abstention():
    label, bound, abstained = choice("paclitaxel", NORMAL._replace(bilirubin=211.0), 5)
    assert (label, bound, abstained) == ("none", "paclitaxel-bilirubin", True)


@pytest.mark.parametrize("change", [{"bilirubin": 21.1}, {"hep12": 1.0}, {"hep12": math.nan}, {"bilirubin": math.nan}])
def test_docetaxel_is_not_given_to_an_impaired_or_unknown_liver(change):
    assert choice("docetaxel", NORMAL._replace(**change), 0) == ("none", "docetaxel-liver", True)


@pytest.mark.parametrize(
    "change", [{"anc": 1.4}, {"anc": math.nan}, {"anc_age": 8.0}, {"anc_age": math.nan}, {"anc": math.inf}]
)
def test_low_missing_or_old_neutrophils_leave_only_a_delay(change):
    assert choice("paclitaxel", NORMAL._replace(**change), 5) == ("wait a week", "anc-gate", False)


def test_after_two_delays_a_closed_gate_means_no_dose_and_abstention():
    facts = NORMAL._replace(anc=1.0, delays_in_row=2.0)
    assert choice("paclitaxel", facts, 5) == ("none", "anc-gate", True)
    assert not allowed(limits_of("paclitaxel"), taxane_spec(), facts)[0].any()
    mask, abstained = offered(limits_of("paclitaxel"), taxane_spec(), facts)
    assert mask.sum() == 1 and bool(mask[-1]) and bool(abstained)


def test_a_delay_is_refused_while_the_gate_is_open():
    label, bound, _ = choice("paclitaxel", NORMAL, 10)
    assert label != "wait a week" and bound == "delay-when-closed"


def test_without_a_zero_visit_the_delay_row_is_the_no_dose_of_an_empty_set():
    spec = taxane_spec()
    spec = Spec("t", (), spec.actions[:-1], (), ())
    assert choice("paclitaxel", NORMAL._replace(anc=1.0, delays_in_row=2.0), 5, spec) == (
        "wait a week",
        "anc-gate",
        True,
    )


def test_an_answer_that_is_no_row_or_no_number_is_no_dose_and_abstention():
    for action in (-1, 12, 2**31 - 1, math.nan):
        assert choice("paclitaxel", NORMAL, action) == ("none", "action-range", True)
    spec = Spec("c", (), (), (), (), low=0.0, high=175.0, action_unit="mg/m2")
    assert choice("paclitaxel", NORMAL, math.nan, spec) == (0.0, "action-range", True)


def test_the_mask_of_the_environment_is_respected_too():
    mask = jnp.array([True, True] + [False] * 10)
    assert choice("paclitaxel", NORMAL, 5, mask=mask) == ("70", "action-range", False)


def test_a_continuous_dose_is_clipped_to_the_limit_and_names_it():
    spec = Spec("c", (), (), (), (), low=0.0, high=500.0, action_unit="mg")
    assert choice("paclitaxel", NORMAL._replace(bsa=2.0), 480.0, spec) == (350.0, "paclitaxel-maximum", False)
    assert choice("paclitaxel", NORMAL._replace(bsa=2.0, bilirubin=50.0), 480.0, spec)[:2] == (
        200.0,
        "paclitaxel-bilirubin",
    )
    assert choice("paclitaxel", NORMAL._replace(bsa=math.nan), 100.0, spec) == (0.0, "paclitaxel-maximum", True)
    assert choice("paclitaxel", NORMAL._replace(anc=1.0), 100.0, spec) == (0.0, "anc-gate", True)


def test_a_range_of_doses_that_starts_above_the_limit_is_empty():
    spec = Spec("c", (), (), (), (), low=100.0, high=250.0, action_unit="mg/m2")
    assert choice("paclitaxel", NORMAL._replace(bilirubin=80.0), 120.0, spec) == (0.0, "paclitaxel-bilirubin", True)
    assert float(interval(limits_of("paclitaxel"), spec, NORMAL).lower) == 100.0


def test_milligrams_are_compared_through_the_patients_own_size():
    spec = taxane_spec(unit="mg")
    mask, _ = allowed(limits_of("nab-paclitaxel"), spec, NORMAL._replace(bsa=1.0))
    assert [a.label for a, m in zip(spec.actions, mask, strict=True) if m and a.amount][-1] == "260"
    assert not allowed(limits_of("nab-paclitaxel"), spec, NORMAL._replace(bsa=math.nan))[0][:10].any()
    neonate = neonate_spec(unit="mg")
    mask, _ = allowed(limits_of("phenobarbital-neonate"), neonate, NORMAL._replace(weight=1.0))
    day = np.array([a.amount * 24 / a.interval for a in neonate.actions])
    assert np.array_equal(mask, day <= 5)


def test_a_days_dose_counts_whole_when_given_less_than_daily():
    rows = tuple(Action(f"{d}", d, "mg/kg", 0.0, 1.0, 48.0) for d in (0.0, 5.0, 6.0))
    mask, _ = allowed(limits_of("phenobarbital-neonate"), Spec("n", (), rows, (), ()), NORMAL)
    assert list(mask) == [True, True, False]


def test_probabilities_of_a_shielded_policy_stay_on_allowed_rows_and_sum_to_one():
    uniform = Policy("u", always_too_much, probabilities=lambda o, m, s: jnp.full(12, 1 / 12))
    for facts in (NORMAL, NORMAL._replace(anc=1.0), NORMAL._replace(anc=1.0, delays_in_row=2.0)):
        p = shield(uniform, limits_of("paclitaxel"), taxane_spec(), facts).probabilities(None, None, ())
        mask, _ = offered(limits_of("paclitaxel"), taxane_spec(), facts)
        assert abs(float(p.sum()) - 1) < 1e-6 and not (np.asarray(p) > 0)[~np.asarray(mask)].any()


def test_memory_passes_through_the_shield():
    counter = Policy("counter", lambda k, o, m, s: (jnp.int32(0), s + 1), memory=lambda: 0)
    kept = shield(counter, limits_of("paclitaxel"), taxane_spec(), NORMAL)
    assert kept.memory() == 0 and kept.act(None, None, None, 4)[1] == 5


def test_a_dose_too_early_waits_and_the_first_dose_does_not():
    spec = taxane_spec()
    limits = (minimum_interval(21, source="label", status="unverified"),)
    first = NORMAL._replace(days_since_dose=math.nan, cumulative_dose=0.0)
    assert allowed(limits, spec, first)[0].all() and allowed(limits, spec, NORMAL)[0].all()
    for facts in (NORMAL._replace(days_since_dose=20.0), NORMAL._replace(days_since_dose=math.nan)):
        assert list(np.flatnonzero(allowed(limits, spec, facts)[0])) == [10]


def test_names_are_resolved_outside_jit_in_the_order_of_the_limits():
    assert bound_names(limits_of("docetaxel")) == (
        "docetaxel-maximum", "docetaxel-liver", "anc-gate", "delay-when-closed", "most-delays", "action-range",
    )  # fmt: skip


def test_a_table_without_a_zero_dose_is_refused():
    spec = Spec("only-doses", (), taxane_spec().actions[:5], (), ())
    with pytest.raises(ValueError, match="only-doses: actions have no row with amount 0"):
        shield(Policy("p", always_too_much), limits_of("paclitaxel"), spec, NORMAL)


def test_units_that_cannot_be_compared_are_refused():
    spec = Spec("c", (), (), (), (), high=5.0, action_unit="mg/kg")
    with pytest.raises(ValueError, match="both must be per dose or both per day"):
        shield(Policy("p", any_amount), limits_of("phenobarbital-neonate"), spec, NORMAL)
    with pytest.raises(ValueError, match="dose unit is 'IU'"):
        shield(Policy("p", always_too_much), limits_of("paclitaxel"), taxane_spec(unit="IU"), NORMAL)


def test_a_delay_that_carries_a_dose_is_refused():
    spec = Spec("odd", (), (Action("wait", 10.0, "mg/m2", delay=True), Action("none", 0.0, "mg/m2")), (), ())
    with pytest.raises(ValueError, match="'wait' has amount 10"):
        shield(Policy("p", always_too_much), (anc_gate(source="l", status="assumed"),), spec, NORMAL)
    assert single_dose("x", 1.0, "mg", source="l", status="assumed").sentence == "no dose above 1 mg"
