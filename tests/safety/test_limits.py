"""Properties of limits: thresholds, missing facts, and what more limits or worse facts can never do."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posology.environments.spec import Action, Spec
from posology.quantities import STATUSES
from posology.safety.drugs import LIMITS, limits_of
from posology.safety.limits import DELAY, DOSE, Facts, bilirubin_steps, cumulative, single_dose
from posology.safety.shield import allowed

DOSES = [float(d) for d in (0, 55, 70, 75, 100, 115, 135, 175, 200, 260)]
ROWS = (*[Action(f"{d:g}", d, "mg/m2", 1.0, 21.0) for d in DOSES], Action("wait", 0.0, "mg/m2", 0.0, 7.0, delay=True))
SPEC = Spec("doses", (), ROWS, (), ())
WELL = Facts(
    anc=3.0,
    anc_age=1.0,
    bilirubin=8.0,
    hep12=0.0,
    cumulative_dose=0.0,
    delays_in_row=0.0,
    bsa=1.8,
    weight=70.0,
    age=60.0,
)
number = st.floats(width=32, allow_nan=True, allow_infinity=True)
often_plain = st.one_of(st.sampled_from([0.0, 1.0, 1.5, 2.0, 7.0, 21.0, 26.25, math.nan]), number)
any_facts = st.builds(Facts, *[often_plain] * len(Facts._fields))
set_names = st.sampled_from([name for name in LIMITS if name != "phenobarbital-neonate"])
quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)

# one compiled function per limit set; an uncompiled one costs milliseconds per example
COMPILED = {name: jax.jit(lambda f, limits=limits: allowed(limits, SPEC, f)) for name, limits in LIMITS.items()}
SINGLE = {
    (name, i): jax.jit(lambda f, x=x: allowed((x,), SPEC, f)[0]) for name in LIMITS for i, x in enumerate(LIMITS[name])
}


def as_arrays(facts):
    return Facts(*(jnp.float32(x) for x in facts))


def largest(name, facts):
    mask = np.asarray(COMPILED[name](as_arrays(facts))[0])
    return max([d for d, m in zip(DOSES, mask, strict=False) if m], default=-1.0)


@quick
@given(set_names, any_facts, number, number)
def test_higher_bilirubin_never_raises_the_largest_allowed_dose(name, facts, one, other):
    low, high = sorted((abs(one), abs(other))) if not math.isnan(one + other) else (20.0, 30.0)
    for field in ("bilirubin", "bilirubin_ratio"):
        assert largest(name, facts._replace(**{field: high})) <= largest(name, facts._replace(**{field: low}))


def test_bilirubin_lowers_the_dose_in_the_published_steps():
    ratios = [0.5, 1.25, 1.26, 2.0, 2.1, 3.5, 3.6, 10.0, 10.1]
    got = [largest("paclitaxel", WELL._replace(bilirubin_ratio=r)) for r in ratios]
    assert got == [175, 175, 115, 115, 100, 100, 70, 70, 0]
    assert got == [largest("paclitaxel", WELL._replace(bilirubin=r * 21)) for r in ratios]


@quick
@given(set_names, any_facts)
def test_adding_a_limit_never_enlarges_the_allowed_set(name, facts):
    facts = as_arrays(facts)
    everything = np.asarray(COMPILED[name](facts)[0])
    separate = [np.asarray(SINGLE[name, i](facts)) for i in range(len(LIMITS[name]))]
    for count in range(len(separate)):
        fewer = np.logical_and.reduce(separate[:count]) if count else np.ones(len(ROWS), bool)
        assert not (np.logical_and(fewer, separate[count]) & ~fewer).any()
        assert not (everything & ~separate[count]).any()
    assert np.array_equal(everything, np.logical_and.reduce(separate))


@settings(max_examples=12, deadline=None, derandomize=True, database=None)
@given(set_names, st.lists(any_facts, min_size=3, max_size=3))
def test_masks_are_equal_compiled_vectorised_and_plain(name, patients):
    batch = Facts(*(jnp.float32(np.array(column, np.float32)) for column in zip(*patients, strict=True)))
    vectorised = jax.vmap(lambda f: allowed(limits_of(name), SPEC, f))(batch)
    for i, facts in enumerate(patients):
        plain = allowed(limits_of(name), SPEC, facts)
        compiled = COMPILED[name](as_arrays(facts))
        for of_three in zip(plain, compiled, (v[i] for v in vectorised), strict=True):
            assert np.array_equal(of_three[0], of_three[1]) and np.array_equal(of_three[0], of_three[2])


@quick
@given(set_names.filter(lambda name: name != "vancomycin"), any_facts)  # which has no gate that could close
def test_a_delay_and_a_dose_are_never_offered_together(name, facts):
    mask = np.asarray(COMPILED[name](as_arrays(facts))[0])
    assert not (mask[-1] and mask[1:-1].any())


def test_the_gate_opens_exactly_at_its_threshold_and_age():
    below, old = float(np.nextafter(np.float32(1.5), np.float32(0))), float(np.nextafter(np.float32(7), np.float32(9)))
    assert largest("paclitaxel", WELL._replace(anc=1.5, anc_age=7.0)) == 175
    assert largest("paclitaxel", WELL._replace(anc=below)) == -1
    assert largest("paclitaxel", WELL._replace(anc_age=old)) == -1


@pytest.mark.parametrize("field", ["anc", "anc_age", "bilirubin", "delays_in_row"])
@pytest.mark.parametrize("value", [math.inf, -math.inf, -1.0])
def test_an_impossible_value_never_opens_anything(field, value):
    mask = np.asarray(COMPILED["paclitaxel"](as_arrays(WELL._replace(**{field: value})))[0])
    assert not mask[-1] if field == "delays_in_row" else not mask[1:-1].any()


def test_missing_bilirubin_is_answered_as_the_limit_says():
    def top(when_missing, bilirubin):
        limit = bilirubin_steps(
            "b", ((1.0, 175.0), (2.0, 70.0)), source="s", status="assumed", when_missing=when_missing
        )
        mask = np.asarray(allowed((limit,), SPEC, WELL._replace(bilirubin=bilirubin))[0])
        return max(d for d, m in zip(DOSES, mask, strict=False) if m)

    assert [top(w, math.nan) for w in ("block", "lowest", "ignore")] == [0, 70, 260]
    assert [top(w, math.inf) for w in ("block", "lowest", "ignore")] == [0, 0, 0]
    assert [top(w, 21.0) for w in ("block", "lowest", "ignore")] == [175, 175, 175]


def test_a_lifetime_limit_lets_a_dose_use_up_what_is_left_and_no_more():
    limit = cumulative("lifetime", 450.0, source="label", status="unverified")
    tops = []
    for given_so_far in (0.0, 350.0, 395.0, 396.0, 450.0, 600.0, math.nan):
        mask = np.asarray(allowed((limit,), SPEC, WELL._replace(cumulative_dose=given_so_far))[0])
        tops.append(max(d for d, m in zip(DOSES, mask, strict=False) if m))
    assert tops == [260, 100, 55, 0, 0, 0, 0]


def test_a_limit_returns_bounds_in_its_unit_and_open_kinds():
    bounds = limits_of("paclitaxel")[0](WELL)
    assert (float(bounds.lower), float(bounds.upper)) == (0.0, 175.0) and bool(bounds.mask.all())
    gate = limits_of("paclitaxel")[2](WELL._replace(anc=1.0))
    assert bool(gate.mask[DELAY]) and not bool(gate.mask[DOSE])


def test_limits_built_alike_are_equal_and_hash_alike():
    one, two = (single_dose("x", 100.0, "mg/m2", source="label", status="unverified") for _ in range(2))
    assert one == two and hash(one) == hash(two) and one != replace(one, numbers=(("maximum", 101.0),))
    assert len(set(LIMITS.values())) == len(LIMITS)


def test_every_limit_says_its_sentence_source_and_status():
    for name, limits in LIMITS.items():
        assert len({limit.id for limit in limits}) == len(limits), name
        for limit in limits:
            assert limit.sentence and limit.source and limit.status in STATUSES


def test_integers_and_truth_values_are_facts_too():
    facts = WELL._replace(delays_in_row=jnp.int32(1), hep12=False, anc=1)
    assert list(np.flatnonzero(allowed(limits_of("docetaxel"), SPEC, facts)[0])) == [len(ROWS) - 1]
    assert allowed(limits_of("docetaxel"), SPEC, facts._replace(anc=2))[0][4]


def test_numbers_too_small_to_be_normal_read_the_same_everywhere():
    facts = WELL._replace(anc=1.0, delays_in_row=-1.401298464324817e-45)
    assert bool(allowed(limits_of("paclitaxel"), SPEC, facts)[0][-1])
    assert bool(COMPILED["paclitaxel"](as_arrays(facts))[0][-1])


def test_wrong_constructions_are_refused_in_a_sentence():
    with pytest.raises(ValueError, match="when_missing is 'guess'; allowed: block, ignore, lowest"):
        replace(limits_of("paclitaxel")[0], when_missing="guess")
    with pytest.raises(ValueError, match="has no lowest dose"):
        replace(limits_of("paclitaxel")[0], when_missing="lowest")
    with pytest.raises(ValueError, match="rising multiples of ULN with falling positive doses"):
        bilirubin_steps("b", ((2.0, 70.0), (1.0, 175.0)), source="s", status="assumed")
    with pytest.raises(ValueError, match="unknown limit set 'aspirin'; known: paclitaxel"):
        limits_of("aspirin")


def test_limits_and_abstention_load_without_jax():
    code = "import sys; from posology.safety import abstain, drugs, limits, shield; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
