"""The example record is made up, whole, and the same in every format; examples on pages print what they say."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from posology.data.readers import read
from posology.environments.catalogue import treatment
from posology.environments.records import known

EXAMPLES = Path(__file__).parents[2] / "examples"
FORMATS = ("patient.json", "patient.csv", "patient.nonmem.csv", "patient.fhir.json")


def test_the_folder_says_that_nobody_was_treated_like_this():
    text = (EXAMPLES / "README.md").read_text()
    assert "made-up" in text and "Nobody was treated like this" in text


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_the_same_patient(name):
    label = treatment("paclitaxel-label-v1")
    record = read(EXAMPLES / name)
    assert record.id == "EXAMPLE-1"
    now = max(o.time for o in record.observations)
    found, first = known(record, label, now), known(read(EXAMPLES / "patient.json"), label, now)
    assert found.begin == first.begin and found.now == first.now
    assert found.latest.keys() == first.latest.keys()
    for name_of, value in found.latest.items():
        assert value.value == pytest.approx(first.latest[name_of].value, rel=1e-9)
    assert [m.value for m in found.measured] == pytest.approx([m.value for m in first.measured])
    assert [d.amount for d in found.doses] == pytest.approx([d.amount for d in first.doses])


def test_the_example_on_combination_effects_prints_what_stands_beside_it(tmp_path, capsys):
    page = (EXAMPLES.parent / "docs" / "combination-effects.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(code, encoding="utf-8")
    runpy.run_path(str(script))
    assert capsys.readouterr().out.split() == re.findall(r"# ([0-9.]+)$", code, flags=re.MULTILINE)
