"""Limits by genes, kidneys, liver and lifetime's dose: against limits recomputed in `oracle.py`, and never looser when worse."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posology.environments.spec import Action, Spec
from posology.policies.policy import Policy
from posology.safety import rules
from posology.safety.limits import Facts, single_dose
from posology.safety.personal import fluoropyrimidine_share, limits_for
from posology.safety.shield import allowed, bound_name, decide, interval, shield

_spec = importlib.util.spec_from_file_location("safety_oracle", Path(__file__).with_name("oracle.py"))
oracle = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(oracle)

N = 200_000
SHARES = (0.0, 0.04, 0.1, 0.25, 0.35, 0.5, 0.55, 0.75, 1.0, 1.5)
UNIT = {"carboplatin": "mg"}
NORMAL = Facts(**{k: float(v) for k, v in oracle.NORMAL.items()})


def unit_of(drug):
    return UNIT.get(drug, "mg/m2")


def spec_of(drug):
    usual = oracle.PERSONAL[drug][0]
    return Spec(drug, (), tuple(Action(f"{usual * s:g}", usual * s, unit_of(drug), 1.0, 21.0) for s in SHARES), (), ())


def limits_of(drug):
    return limits_for(drug, oracle.PERSONAL[drug][0], unit_of(drug))


@pytest.fixture(scope="module")
def many():
    return oracle.adversarial(N, seed=8)


@pytest.mark.parametrize("drug", oracle.PERSONAL)
def test_no_policy_passes_the_rules_of_a_drug_and_it_would_without_the_shield(drug, many):
    """Rows are judged by what the oracle allows; a dose within rounding of float32 of the bound counts as either."""
    spec, facts = spec_of(drug), Facts(**{k: jnp.asarray(v) for k, v in many.items()})
    top = oracle.PERSONAL[drug][1](oracle.normal(many)).astype(float)
    greedy = Policy("most", lambda k, o, m, s: (jnp.int32(len(SHARES) - 1), s))

    def both(f):
        return allowed(limits_of(drug), spec, f)[0], shield(greedy, limits_of(drug), spec, f).act(None, None, None, ())[0]

    mask, row = (np.asarray(v) for v in jax.jit(jax.vmap(both))(facts))
    amounts = np.array([a.amount for a in spec.actions])
    for i, amount in enumerate(amounts[1:], 1):
        clear = np.abs(amount - top) > 1e-5 * amount
        np.testing.assert_array_equal(mask[clear, i], (amount <= top)[clear], err_msg=f"{drug} {amount}")
    assert (amounts[row] <= np.nan_to_num(top, posinf=np.inf) * (1 + 1e-5)).all()
    assert (amounts[-1] > top).mean() > 0.1
    assert ((top > 0) & np.isfinite(top)).mean() > 0.1


def most(drug, **known):
    """The largest continuous dose by the rules."""
    spec = Spec(drug, (), (), (), (), low=0.0, high=1e5, action_unit=unit_of(drug))
    found = interval(limits_of(drug), spec, NORMAL._replace(**known))
    return 0.0 if int(found.closed_by) >= 0 else float(found.upper)


scores = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0])
values = st.floats(0, 400, width=32)


@settings(deadline=None, max_examples=25)
@given(scores, scores, st.booleans())
def test_a_lower_activity_score_never_raises_the_dose(a, b, responded):
    def dose(score):
        share = float(fluoropyrimidine_share(jnp.float32(score)))
        assert share == (rules.advised("fluorouracil", {"DPYD": f"{score:g}"})[0].share or 0.0)
        return most("fluorouracil", gene_share=share, responded=float(responded))

    assert dose(min(a, b)) <= dose(max(a, b))


@settings(deadline=None, max_examples=25)
@given(values, values)
def test_worse_kidneys_never_raise_the_dose(a, b):
    low, high = sorted((a, b))
    assert most("carboplatin", crcl=low) <= most("carboplatin", crcl=high)
    assert most("methotrexate", crcl=low) <= most("methotrexate", crcl=high)


@settings(deadline=None)
@given(st.sampled_from(sorted(rules.HEPATIC)), values, values)
def test_more_bilirubin_never_raises_the_share(drug, a, b):
    assert rules.hepatic_share(drug, max(a, b)) <= rules.hepatic_share(drug, min(a, b))


thiopurine = st.fixed_dictionaries({g: st.sampled_from(["normal", "intermediate", "poor"]) for g in ("TPMT", "NUDT15")})


@given(thiopurine, thiopurine, st.sampled_from([30.0, 50.0, 75.0, 100.0]))
def test_less_function_of_either_gene_never_raises_mercaptopurine(a, b, usual):
    order = ("poor", "intermediate", "normal")
    worse = {g: min(a[g], b[g], key=order.index) for g in a}
    share = lambda genes: rules.advised("mercaptopurine", genes, usual)[0].share  # noqa: E731
    assert share(worse) <= min(share(a), share(b))


@pytest.mark.parametrize(
    ("mg_per_dl", "share"), [(1.1, 1.0), (1.2, 0.5), (3.0, 0.5), (3.1, 0.25), (5.0, 0.25), (5.1, 0.0), (float("nan"), 0.0)]
)
def test_doxorubicin_by_bilirubin_as_printed(mg_per_dl, share):
    assert rules.hepatic_share("doxorubicin", mg_per_dl * rules.MG_PER_DL) == share


def choice(drug, action, **known):
    spec, limits = spec_of(drug), limits_of(drug)
    found = decide(Policy("fixed", lambda k, o, m, s: (jnp.int32(action), s)), limits, spec, NORMAL._replace(**known))
    answer = found(None, None, None, ())[0]
    return spec.actions[int(answer.action)].amount, bound_name(limits, int(answer.bound_by)), bool(answer.abstained)


def test_half_of_the_first_dose_until_a_response_and_none_where_it_is_to_be_avoided():
    assert choice("fluorouracil", 8, gene_share=0.5, responded=0.0) == (1200.0, "fluorouracil-genes", False)
    assert choice("fluorouracil", 8, gene_share=0.5, responded=1.0) == (2400.0, None, False)
    assert choice("fluorouracil", 8, gene_share=0.0, responded=1.0) == (0.0, "fluorouracil-genes", True)
    assert choice("fluorouracil", 8, gene_share=np.nan, responded=np.nan) == (2400.0, None, False)


def test_a_contraindication_or_an_unknown_clearance_gives_nothing():
    assert choice("methotrexate", 8, crcl=20.0) == (0.0, "methotrexate-renal", True)
    assert choice("methotrexate", 8, crcl=np.nan) == (0.0, "methotrexate-renal", True)
    assert choice("carboplatin", 8, crcl=np.nan) == (0.0, "carboplatin-calvert", True)


def test_what_is_left_of_a_lifetimes_dose_bounds_the_next():
    assert choice("doxorubicin", 8, cumulative_dose=420.0, liver_share=1.0)[:2] == (30.0, "doxorubicin-lifetime")


def test_a_ceiling_that_a_treatment_already_holds_makes_no_limit():
    own = (single_dose("own", 175.0, "mg/m2", source="label", status="unverified"),)
    assert limits_for("paclitaxel", 175.0, "mg/m2", own) == ()
    assert [x.id for x in limits_for("paclitaxel", 200.0, "mg/m2")] == ["paclitaxel-ceiling"]
    assert limits_for("sunitinib", 1400.0, "mg") == ()  # a cycle's dose is not a day's
    assert [x.id for x in limits_for("bleomycin", 10.0, "mg")] == ["bleomycin-renal"]  # units of activity are no mass


def test_an_unread_unit_or_status_is_nowhere():
    for drug in {*rules.CEILINGS, *rules.RENAL, *rules.HEPATIC, "fluorouracil", "mercaptopurine", "irinotecan"}:
        for limit in limits_for(drug, 100.0, "mg/m2"):
            assert limit.status in {"verified", "unverified", "assumed"} and limit.source and limit.sentence
