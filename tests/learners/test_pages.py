"""A learner's page explains every setting and every logged metric of that learner."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path

import jax
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import Masked, Probes, Titrate, Window  # noqa: E402

from posology.learners import catalogue  # noqa: E402

PAGES = Path(__file__).parents[2] / "docs" / "learners"


def rows(id, heading):
    """First and further cells of the table under a heading."""
    page = (PAGES / f"{id}.md").read_text()
    part = page.split(f"## {heading}")[1].split("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in part.splitlines() if line.startswith("| `")]
    return {name: row[1:] for row in cells for name in re.findall(r"`(\w+)`", row[0])}


@pytest.mark.parametrize("id", catalogue.LEARNERS)
def test_every_setting_is_on_the_page(id):
    assert set(rows(id, "Settings")) == {f.name for f in fields(catalogue.learner(id))}


@pytest.mark.parametrize("id", catalogue.LEARNERS)
def test_defaults_on_the_page_are_those_of_the_code(id):
    page = (PAGES / f"{id}.md").read_text().split("## Settings")[1].split("\n## ")[0]
    made = catalogue.learner(id)()
    for line in page.splitlines():
        if not line.startswith("| `"):
            continue
        cells = line.split("|")[1:-1]
        names = re.findall(r"`(\w+)`", cells[0])
        values = [getattr(made, n) for n in names]
        flat = [x for v in values for x in (v if isinstance(v, tuple) else (v,))]
        said = [x.strip() for x in cells[1].split(",") if x.strip()]
        assert [str(x).lower() for x in flat] == said or [float(x) for x in flat] == [float(x) for x in said], names


@pytest.mark.parametrize("id", [i for i, e in catalogue.LEARNERS.items() if not e.plans])
def test_every_logged_metric_is_on_the_page_with_its_formula(id):
    entry = catalogue.LEARNERS[id]
    env = Probes() if entry.discrete else Titrate()
    env = {"terms": Window(), "costs": Masked()}.get(next(iter(entry.needs), ""), env)
    learner = catalogue.learner(id)()
    state = jax.eval_shape(lambda key: learner.init(key, env), jax.random.key(0))
    metrics = jax.eval_shape(lambda s: learner.update(s, env, env.draw(None, 8))[1], state)
    explained = rows(id, "What is logged")
    assert set(explained) == set(metrics)
    assert all(cells[0].strip() for cells in explained.values())
