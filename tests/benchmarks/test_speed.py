"""How fast the models are: one of each kind through the whole measurement, and what is counted and kept."""

from __future__ import annotations

import contextlib
import io
import json

import jax
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from posology.benchmarks import arithmetic, cohort, speed, tables, timing
from posology.benchmarks.evidence import Effort, Unfinished
from posology.commands import run
from posology.environments.treatments import docetaxel_cycles
from posology.patients.catalogue import MAPS, MODELS, model
from posology.patients.models import docetaxel_friberg2002

BY_EQUATIONS, IN_STEPS = "phenobarbital-grasela1985", "chemotherapy-zhao2009"
KEYS = {"model", "patients", "patient_days_per_s", "p99_relative_error", "max_relative_error", "ratio_to"}


@pytest.fixture(scope="module")
def rows():
    """What the command prints of one model of each kind."""
    found = []
    for id in (BY_EQUATIONS, IN_STEPS):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert run(["benchmark", "speed", id, "--patients", "12", "--up-to", "100", "--json"]) == 0
        found += json.loads(out.getvalue())
    return dict(zip((BY_EQUATIONS, IN_STEPS), found, strict=True))


@pytest.mark.parametrize(("id", "loop"), [(BY_EQUATIONS, "scipy"), (IN_STEPS, "python")])
def test_a_model_of_each_kind_is_measured_whole(rows, id, loop):
    row = rows[id]
    assert row.keys() >= KEYS and row["model"] == id and row["patients"] == row["error_patients"] == 12
    assert 0 < row["p99_relative_error"] <= 1e-4 and row["max_relative_error"] <= 1e-3
    assert row[loop]["max_relative_error"] <= row["p99_relative_error"]  # as exact as ours, or more
    rate = row["patient_days_per_core_s"]
    assert row["ratio_to"] == {loop: pytest.approx(rate / row[loop]["patient_days_per_core_s"])}
    assert [point["patients"] for point in row["growth"]] == [1, 10, 100]
    assert row["compile_seconds"] > 0 and np.isfinite(row["growth_exponent"])
    assert row["peak_fraction"] == pytest.approx(row["flops_per_patient_day"] * rate / row["peak_flops_per_core_s"])
    assert 0 < row["peak_fraction"] < 1


def test_the_table_and_the_sentence_hold_every_model_even_without_days(rows):
    generation = rows[IN_STEPS] | {k: None for k in rows[IN_STEPS] if k.startswith("patient_days")}
    table = tables.speeds([rows[BY_EQUATIONS], generation | {"growth_exponent": None}]).splitlines()
    assert len({line.count("|") for line in table}) == 1 and len(table) == 4
    assert table[2].startswith(f"| `{BY_EQUATIONS}` |") and table[3].startswith(f"| `{IN_STEPS}` | – | – |")
    assert "times SciPy, patient by patient, at no larger an error" in tables.speed_of(rows[BY_EQUATIONS])
    assert "million steps per second of one core" in tables.speed_of(generation)


def test_every_model_has_a_course_of_its_own_data():
    assert set(speed.models()) >= {*MODELS, *MAPS}
    for id in speed.models():
        p = speed.problem(id)
        assert p.steps > 0 and p.model.id == id
        assert p.days > 0 or p.model.time_unit == "1"  # of a generation nobody knows the length


def test_covariates_are_those_of_the_treatment_or_made_up_within_their_bounds():
    assert cohort.population_of(model("docetaxel-kloft2006")) == docetaxel_cycles.POPULATION
    m = docetaxel_friberg2002.MODEL  # which no treatment asks about
    made_up = cohort.population_of(m)
    assert set(made_up) == {c.name for c in m.covariates if c.default is not None}
    for c in (c for c in m.covariates if c.name in made_up):
        drawn = np.array([made_up[c.name].sample(jax.random.key(i)) for i in range(20)])
        assert drawn.std() > 0 and drawn.min() >= c.low and drawn.max() <= c.high
    assert set(np.unique(cohort.plain(model("nsclc-claret2014").covariates[0]).p)) == {0.5}


def test_a_loop_counts_as_often_as_it_runs_inside_another_too():
    def repeated(times, body):
        return lambda x: jax.lax.scan(lambda c, _: (body(c), None), x, None, length=times)[0]

    x, one = np.ones(3, np.float32), lambda c: c * 2 + 1
    count = lambda f: arithmetic.flops(jax.jit(f), x)  # noqa: E731
    assert count(repeated(20, one)) - count(repeated(10, one)) == 10 * 3 * 2
    longer, inner = (repeated(7, repeated(n, one)) for n in (20, 10))
    assert count(longer) - count(inner) == 7 * 10 * 3 * 2


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_growth_is_the_slope_over_the_larger_half(monkeypatch, power):
    monkeypatch.setattr(timing, "timed", lambda program, parts: (1.0, max(1e3, len(parts) * len(parts[0].amount)) ** power))
    patients = cohort.Cohort((), np.zeros(100_000, np.float32))
    found, exponent = timing.growth(jax.jit(lambda part: part.amount), None, patients)
    assert [row["patients"] for row in found] == [1, 10, 100, 1000, 10_000, 100_000]
    assert exponent == pytest.approx(power, abs=0.02)
    assert timing.growth(jax.jit(lambda part: part.amount), None, timing.first(patients, 1))[1] is None


def test_what_was_measured_of_a_model_is_not_measured_again(monkeypatch, tmp_path):
    asked, effort = [], Effort(runs=tmp_path)
    monkeypatch.setattr(speed, "MODELS", dict.fromkeys([BY_EQUATIONS]))
    monkeypatch.setattr(speed, "MAPS", dict.fromkeys([IN_STEPS]))
    monkeypatch.setattr(speed, "problem", lambda id: id)
    monkeypatch.setattr(speed, "measured", lambda id, seed: asked.append(id) or {"model": id})
    monkeypatch.setattr(jax, "clear_caches", lambda: None)

    def stop(text):
        if "2 of 2" in text:
            raise Unfinished(text)

    with pytest.raises(Unfinished):
        speed.plan(effort, stop)
    found = speed.plan(effort, lambda text: None)
    assert asked == [BY_EQUATIONS, IN_STEPS] == [row["model"] for row in found["rows"]]


def test_a_program_is_compiled_anew_whatever_is_stored(tmp_path):
    """Outside, a program is stored; inside, neither read nor stored, though the process has used the store before."""
    least = ("jax_persistent_cache_min_compile_time_secs", "jax_persistent_cache_min_entry_size_bytes")
    names = ("jax_compilation_cache_dir", *least)
    before = {name: jax.config.values[name] for name in names}
    for name, value in zip(names, (str(tmp_path), 0.0, -1), strict=True):
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    try:
        jax.jit(lambda x: x * 2 + 1).lower(np.ones(3)).compile()
        stored = sorted(tmp_path.iterdir())
        assert stored
        timing.compiled(jax.jit(lambda x: x * 3 - 1), np.ones(3))
        assert sorted(tmp_path.iterdir()) == stored
        jax.jit(lambda x: x * 5 - 1).lower(np.ones(3)).compile()
        assert len(list(tmp_path.iterdir())) > len(stored)
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        compilation_cache.reset_cache()
