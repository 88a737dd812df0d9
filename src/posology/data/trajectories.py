"""Decisions as a table: what cohorts become, what offline learners and estimators read.

One row per decision, in Parquet: `subject, step, time, observation.*, action.*, action_probability,
reward, term.*, cost.*, terminated, truncated, next_observation.*, split`. Every column says its unit
and meaning in the file; the file says which question it was asked of and how an observation was made,
so that a row gives back the history it was made from (`history_at`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from posology.data.history import DAY, Channel, History

FORMAT = 1
SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}  # share of the subjects
MEANING = {
    "subject": ("1", "number of the patient"),
    "step": ("1", "number of the decision, from 0"),
    "time": ("h", "time of the decision since the start of the course"),
    "action_probability": ("1", "probability with which this dose was chosen; empty when unknown"),
    "reward": ("1", "weighted sum of the terms until the next decision"),
    "terminated": ("", "the course ended by what happened to the patient"),
    "truncated": ("", "the course ended because the study did"),
    "split": ("", "what the subject may be used for"),
}
KEY = b"posology"


@dataclass(frozen=True)
class Layout:
    """What the columns are: (name, unit) of each, and how observations were made.

    `horizon` in hours scales times in an observation. `about` is free: arm, seed, weights …
    """

    treatment: str
    fingerprint: str
    observation: tuple[tuple[str, str], ...]
    action: tuple[tuple[str, str], ...]
    terms: tuple[str, ...]
    costs: tuple[str, ...]
    channels: tuple[Channel, ...]
    horizon: float
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Arrays with one row per decision, ordered by subject and step.

    `observation`, `next_observation` `[R, features]`, `action` `[R, parts]` in the units of the
    layout, `terms`, `costs` one column each; `probability` is NaN where it is unknown.
    """

    layout: Layout
    subject: Any
    step: Any
    time: Any
    observation: Any
    action: Any
    probability: Any
    reward: Any
    terms: Any
    costs: Any
    terminated: Any
    truncated: Any
    next_observation: Any
    split: Any

    def __len__(self) -> int:
        return len(self.subject)


def split_of(subjects: Any, seed: int = 0) -> np.ndarray:
    """The split of each subject, by lot: one lot per (seed, subject), whoever else is in the table."""
    unique, where = np.unique(np.asarray(subjects), return_inverse=True)
    lot = np.array([np.random.default_rng([seed, int(s)]).random() for s in unique])
    edges = np.cumsum(list(SPLITS.values()))[:-1]
    return np.array(list(SPLITS))[np.searchsorted(edges, lot, side="right")][where]


def columns(layout: Layout) -> Iterator[tuple[str, str, str, str, int | None]]:
    """(column, unit, meaning, array of `Trajectories`, index into its second axis) of every column."""

    def plain(name: str, array: str | None = None) -> tuple[str, str, str, str, None]:
        return (name, *MEANING[name], array or name, None)

    yield from (plain("subject"), plain("step"), plain("time"))
    for i, (name, unit) in enumerate(layout.observation):
        yield f"observation.{name}", unit, "what was known at the decision", "observation", i
    for i, (name, unit) in enumerate(layout.action):
        yield f"action.{name}", unit, "what was chosen", "action", i
    yield plain("action_probability", "probability")
    yield plain("reward")
    for i, name in enumerate(layout.terms):
        yield f"term.{name}", "1", "raw term of the reward", "terms", i
    for i, name in enumerate(layout.costs):
        yield f"cost.{name}", "1", "harm that is counted, never rewarded", "costs", i
    yield from (plain("terminated"), plain("truncated"))
    for i, (name, unit) in enumerate(layout.observation):
        yield f"next_observation.{name}", unit, "what was known at the next decision", "next_observation", i
    yield plain("split")


def write(path: Path | str, table: Trajectories) -> Path:
    """Write the table to a Parquet file.

    Raises:
        ValueError: naming the file when it cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, fields, arrays = Path(path), [], []
    for name, unit, meaning, array, index in columns(table.layout):
        values = np.asarray(getattr(table, array))
        values = values if index is None else values[:, index]
        arrays.append(pa.array(values, from_pandas=name == "action_probability"))  # NaN → null
        fields.append(pa.field(name, arrays[-1].type, metadata={"unit": unit, "meaning": meaning}))
    header = {KEY: json.dumps({"format": FORMAT, **asdict(table.layout)}).encode()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=header)), path)
    except OSError as problem:
        raise ValueError(f"{path} cannot be written: {problem.strerror or problem}") from None
    return path


def read(path: Path | str) -> Trajectories:
    """The table of a file that `write` wrote, or that follows its columns and header.

    Raises:
        ValueError: naming the file and what is missing, newer or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise ValueError(f"there is no file {path}") from None
    except (OSError, pa.ArrowException):
        raise ValueError(f"{path} is not a Parquet file, or it is damaged") from None
    layout = _layout(path, (table.schema.metadata or {}).get(KEY))
    wanted = list(columns(layout))
    if missing := [name for name, *_ in wanted if name not in table.column_names]:
        raise ValueError(f"{path}: column {missing[0]} is missing ({len(missing)} in all)")
    found: dict[str, Any] = {}
    for name, _, _, array, index in wanted:
        values = table.column(name).to_numpy()
        if index is None:
            found[array] = values
        else:
            found.setdefault(array, []).append(values)
    rows = table.num_rows
    for name in ("observation", "action", "terms", "costs", "next_observation"):
        parts = found.get(name)
        found[name] = np.stack(parts, axis=1) if parts else np.zeros((rows, 0), np.float32)
    found["probability"] = np.asarray(found["probability"], np.float32)
    found["split"] = np.asarray(found["split"], str)
    return Trajectories(layout, **found)


def _layout(path: Path | str, header: bytes | None) -> Layout:
    if header is None:
        raise ValueError(f"{path} is no trajectory table: its header says nothing of observations and doses")
    said = json.loads(header)
    if said.pop("format") > FORMAT:
        raise ValueError(f"{path} was written by a newer posology")
    pairs = {name: tuple((a, b) for a, b in said[name]) for name in ("observation", "action")}
    names = {name: tuple(said[name]) for name in ("terms", "costs")}
    channels = tuple(Channel(**c) for c in said["channels"])
    return Layout(**{**said, **pairs, **names, "channels": channels})


def history_at(table: Trajectories, row: int) -> History:
    """What was known at the decision in that row, as `posology.data.history.encode` reads it.

    Every earlier row of the subject gives what it still held: an observation keeps only the last
    entries of each channel. How long a dose took is told by the action parts "duration", "every" and "wait" of
    the row that gave it; a dose from elsewhere comes back with duration 0.
    """
    mine = np.flatnonzero((table.subject == table.subject[row]) & (table.step <= table.step[row]))
    mine = mine[np.argsort(table.step[mine], kind="stable")]
    lasted = _durations(table, mine)
    entries: dict[tuple[int, int], tuple[float, int, float, float, bool]] = {}
    for i in mine:
        for when, what, value in _entries(table.layout, np.asarray(table.observation[i], np.float64)):
            # A time read back from float32 is exact to about a second: the minute tells entries apart.
            minute = round(when * 60)
            duration = lasted.get(minute, 0.0) if table.layout.channels[what].kind == "dose" else 0.0
            entries[(what, minute)] = (when, what, value, duration, True)
    parts = list(zip(*entries.values(), strict=True))
    kinds = (np.float32, np.int32, np.float32, np.float32, bool)
    return History(*(np.array(part, kind) for part, kind in zip(parts, kinds, strict=True)))


def _durations(table: Trajectories, rows: np.ndarray) -> dict[int, float]:
    """Minute of each dose that the rows gave → hours that it took."""
    names = [name for name, _ in table.layout.action]
    if not {"duration", "every", "wait"} <= set(names):
        return {}
    found = {}
    for i in rows:
        part = dict(zip(names, map(float, table.action[i]), strict=True))
        begin, lasts = float(table.time[i]), part["wait"] * DAY
        for when in np.arange(0.0, lasts, part["every"]) if part["every"] else (0.0,):
            found[round((begin + when) * 60)] = part["duration"]
    return found


def _entries(layout: Layout, observation: np.ndarray) -> Iterator[tuple[float, int, float]]:
    """(time in hours, channel, value in its unit) of everything one observation holds."""
    now = observation[0] * layout.horizon
    at = 1
    latest: dict[str, float] = {}
    for what, c in enumerate(layout.channels):
        parts = 2 if c.kind == "covariate" else 3
        block = observation[at : at + parts * c.keep].reshape(parts, c.keep)
        at += parts * c.keep
        value = block[0] * c.scale + c.centre
        value = np.exp(value) if c.log else value
        value = value * latest[c.per] if c.per else value
        known = block[-1] > 0.5
        latest[c.name] = value[0]
        ages = block[1] * layout.horizon if parts == 3 else np.zeros(c.keep)
        for v, age in zip(value[known], ages[known], strict=True):
            yield now - age, what, float(v)
