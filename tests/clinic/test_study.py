"""The classifiers of the pages: fitted once, in the background, and their comparison kept."""

from __future__ import annotations

import json

import pytest

from posology.clinic import study as studies
from posology.clinic.errors import Unavailable
from posology.clinic.study import ORDER, Study
from posology.symptoms import classifiers

ROWS = 4_000  # as in tests/symptoms, so that one process fits once


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which a comparison is kept."""
    found = tmp_path_factory.mktemp("study")
    study = Study(found, ROWS)
    study.start()
    study.wait(300)
    return found


def test_every_classifier_is_fitted():
    assert set(ORDER) == set(classifiers.CLASSIFIERS)


def test_a_comparison_outlives_the_process_and_needs_no_fitting(folder):
    again = Study(folder, ROWS)
    assert again.compared()["rows"]["train"] == 0.6 * ROWS
    assert again._thread is None
    assert Study(folder, ROWS + 1000).file != again.file


def test_a_damaged_comparison_is_made_again(folder):
    again = Study(folder, ROWS)
    whole = json.loads(again.file.read_text())
    again.file.write_text(again.file.read_text()[:100])
    assert again.compared() is None and "being fitted" in again.waiting("the classifiers")
    again.wait(300)
    assert again.compared() == whole == json.loads(again.file.read_text())
    assert again.ready() == tuple(classifiers.CLASSIFIERS)


def test_fitting_that_fails_is_said_in_a_sentence_and_started_once(tmp_path, monkeypatch, caplog):
    asked = []

    def fails(name, rows):
        asked.append(name)
        raise MemoryError(name)

    monkeypatch.setattr(studies.classifiers, "fitted", fails)
    study = Study(tmp_path, ROWS)
    assert study.ready() == ()
    study.wait(10)
    assert study.compared() is None
    with pytest.raises(Unavailable, match="could not be fitted"):
        study.waiting("naive-bayes")
    assert asked == [ORDER[0]] and "could not be fitted" in caplog.text


def test_a_folder_that_cannot_be_written_keeps_the_comparison_in_memory(tmp_path):
    (tmp_path / "file").write_text("")
    study = Study(tmp_path / "file", ROWS)
    study.start()
    study.wait(300)
    assert study.compared()["classifiers"] and not study.failed
