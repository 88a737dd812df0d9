"""The trajectory table: written and read back, its columns explained, its histories those it came from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from posology.data import trajectories
from posology.data.history import DAY, Channel, History, encode, feature_names
from posology.data.trajectories import Layout, Trajectories, history_at, read, split_of, write

CHANNELS = (
    Channel("weight", "kg", "covariate", centre=70, scale=10),
    Channel("anc", "10*9/L", "reading", keep=2, log=True, centre=0.5),
    Channel("dose", "mg", "dose", keep=1, centre=160, scale=50, per="weight"),
)
HORIZON = 30 * DAY
LAYOUT = Layout(
    "a-treatment", "f00d", feature_names(CHANNELS), (("mg", "mg"), ("duration", "h"), ("every", "h"), ("wait", "d")),
    ("good",), ("harm",), CHANNELS, HORIZON, {"arm": "by hand"},
)  # fmt: skip
# Three visits of one patient: doses of 100, 80, 60 mg on days 0, 10, 20; three counts, one missing.
ENTRIES = History(
    np.array([0, 0, 7, 10, 17, 14, 20], np.float32) * np.float32(DAY),
    np.array([0, 2, 1, 2, 1, 1, 2]),
    np.array([72, 100, 2.5, 80, 0.7, 9, 60], np.float32),
    np.array([0, 3, 0, 3, 0, 0, 3], np.float32),
    np.array([True, True, True, True, True, False, True]),
)


def observed(day):
    """What is known at a visit, before that day's dose."""
    before = ENTRIES.present & ((ENTRIES.time < day * DAY) | (ENTRIES.what == 0))
    return np.asarray(encode(ENTRIES._replace(present=before), day * DAY, CHANNELS, HORIZON))


@pytest.fixture(scope="module")
def table():
    days = (0, 10, 20)
    n, see = len(days), np.stack([observed(d) for d in (*days, 30)])
    return Trajectories(
        LAYOUT,
        subject=np.full(n, 7),
        step=np.arange(n),
        time=np.array(days, np.float32) * DAY,
        observation=see[:-1],
        action=np.array([[100, 3, 0, 10], [80, 3, 0, 10], [60, 3, 0, 10]], np.float32),
        probability=np.array([1, np.nan, 0.5], np.float32),
        reward=np.array([0.1, 0.2, 0.3], np.float32),
        terms=np.array([[1.0], [2.0], [3.0]], np.float32),
        costs=np.zeros((n, 1), np.float32),
        terminated=np.zeros(n, bool),
        truncated=np.array([False, False, True]),
        next_observation=see[1:],
        split=split_of(np.full(n, 7)),
    )


def test_a_table_is_read_back_as_it_was_written(table, tmp_path):
    again = read(write(tmp_path / "deep" / "t.parquet", table))
    assert again.layout == replace(LAYOUT, about={"arm": "by hand"})
    for name in Trajectories.__dataclass_fields__:
        if name != "layout":
            np.testing.assert_array_equal(getattr(again, name), getattr(table, name), err_msg=name)


def test_every_column_says_its_unit_and_meaning(table, tmp_path):
    schema = pq.read_schema(write(tmp_path / "t.parquet", table))
    assert [f.name for f in schema][:4] == ["subject", "step", "time", "observation.time"]
    for field in schema:
        assert set(field.metadata) == {b"unit", b"meaning"}
        assert field.metadata[b"meaning"]
    assert schema.field("time").metadata[b"unit"] == b"h"
    assert schema.field("action.mg").metadata[b"unit"] == b"mg"


def test_an_unknown_probability_is_null_in_the_file(table, tmp_path):
    column = pq.read_table(write(tmp_path / "t.parquet", table)).column("action_probability")
    assert column.to_pylist() == [1.0, None, 0.5]


@pytest.mark.parametrize("row", [0, 1, 2])
def test_a_row_gives_back_the_history_that_makes_its_observation(table, row):
    history = history_at(table, row)
    again = encode(history, table.time[row], CHANNELS, HORIZON)
    np.testing.assert_allclose(again, table.observation[row], atol=1e-6)


def test_a_history_keeps_what_later_observations_no_longer_hold(table):
    """On day 20 only the last dose is in the observation, yet the first one is still known."""
    history = history_at(table, 2)
    np.testing.assert_allclose(np.sort(history.value[history.what == 1]), [0.7, 2.5], rtol=1e-5)
    given = history.what == 2
    np.testing.assert_allclose(np.sort(history.value[given]), [80, 100], rtol=1e-5)
    assert history.duration[given].tolist() == [3.0, 3.0]


def test_doses_between_decisions_keep_their_duration(table):
    twice = replace(table, action=np.array([[100, 2, 120, 10]] * 3, np.float32))
    lasted = trajectories._durations(twice, np.array([0]))
    assert lasted == {round(d * DAY * 60): 2.0 for d in (0, 5)}


def test_a_subject_keeps_its_split_whoever_else_is_there():
    few, many = split_of([3, 3, 9]), split_of(np.arange(1000))
    assert few.tolist() == [many[3], many[3], many[9]]
    shares = {name: float(np.mean(many == name)) for name in trajectories.SPLITS}
    assert shares == pytest.approx(trajectories.SPLITS, abs=0.04)
    assert (split_of(np.arange(1000), seed=1) != many).any()


def test_wrong_files_are_answered_with_a_sentence(table, tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        read(tmp_path / "nothing.parquet")
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(ValueError, match="not a Parquet file"):
        read(tmp_path / "text.parquet")
    path = write(tmp_path / "t.parquet", table)
    whole = pq.read_table(path)
    pq.write_table(whole.replace_schema_metadata(None), tmp_path / "bare.parquet")
    with pytest.raises(ValueError, match="no trajectory table"):
        read(tmp_path / "bare.parquet")
    pq.write_table(whole.drop_columns(["reward"]), tmp_path / "less.parquet")
    with pytest.raises(ValueError, match="column reward is missing"):
        read(tmp_path / "less.parquet")
    (tmp_path / "blocked").write_text("a file")
    with pytest.raises(ValueError, match="cannot be written"):
        write(tmp_path / "blocked" / "t.parquet", table)
