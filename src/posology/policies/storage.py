"""A run's folder: a policy and where it comes from, or a checkpoint on the way there.

    policy.safetensors   the arrays of its form
    policy.json          what they mean; written last, so a folder with it is complete
    CARD.md              the same for a reader
    evaluation.json      what the policy reached on held-out patients

Until complete it is called `<run>.partial`; one rename makes it `<run>`. Arrays are safetensors and
everything else is JSON: reading a run executes nothing. Every file is written beside its name, flushed
to the disk and renamed, so a reader sees the old file or the new one. A checkpoint commits with its
arrays, whose header carries its JSON; `checkpoint.json` is a copy to look at.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from posology.policies.policy import Policy

if TYPE_CHECKING:
    from posology.environments.spec import Spec

FORMAT = 2
PACKAGES = ("posology", "jax", "jaxlib", "numpy", "optax")
REQUIRED = ("format", "treatment", "fingerprint", "learner", "form", "spec", "arrays_sha256")


@dataclass(frozen=True, eq=False)
class Stored:
    """A loaded run: the greedy policy, what `policy.json` says, and the arrays."""

    policy: Policy
    record: dict[str, Any]
    arrays: dict[str, np.ndarray]
    folder: Path


def partial_folder(run: Path | str) -> Path:
    """Where a run lies until it is complete."""
    run = Path(run)
    return run.with_name(run.name + ".partial")


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def machine() -> dict[str, Any]:
    """What else decides the last bits: processor kind and number of cores."""
    return {"machine": platform.machine(), "cores": os.cpu_count()}


def described(spec: Spec) -> dict[str, Any]:
    """A spec as plain JSON values: features with units, actions, weights, limits."""
    return json.loads(json.dumps(asdict(spec)))


def spec_hash(spec: Spec) -> str:
    """Fingerprint of a problem that brings none of its own: the hash of its spec."""
    return hashlib.sha256(json.dumps(described(spec), sort_keys=True).encode()).hexdigest()[:16]


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that after any crash it is absent, old or complete."""
    beside = path.with_name(path.name + ".tmp")
    with open(beside, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    _flush_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """`write_file` of indented JSON; NaN is refused."""
    write_file(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save_policy(
    run: Path | str, arrays: Mapping[str, Any], record: Mapping[str, Any], evaluation: Any, card: str
) -> Path:
    """Write a complete run and give it its name.

    Args:
        arrays: flat, as the form's `arrays`.
        record: for `policy.json`: treatment, fingerprint, learner, config, form, spec, seeds,
            data hash …; format, versions and the arrays' hash are added.

    Raises:
        ValueError: when `run` exists already.
    """
    run = Path(run)
    if run.exists():
        raise ValueError(f"{run} exists already; choose another name or remove it")
    folder = partial_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    content = save({name: np.asarray(v, order="C") for name, v in arrays.items()})
    write_file(folder / "policy.safetensors", content)
    write_file(folder / "CARD.md", card.encode())
    write_json(folder / "evaluation.json", evaluation)
    added = {"format": FORMAT, "arrays_sha256": hashlib.sha256(content).hexdigest(), "versions": versions()}
    write_json(folder / "policy.json", {**added, **machine(), **record})
    os.rename(folder, run)
    _flush_folder(run.parent)
    return run


def read_record(run: Path | str) -> dict[str, Any]:
    """What `policy.json` says, checked.

    Raises:
        ValueError: for a run that is missing, unfinished, damaged or of a newer format.
    """
    run = Path(run)
    if not run.is_dir():
        hint = "; its training is unfinished (train again to resume)" if partial_folder(run).is_dir() else ""
        raise ValueError(f"there is no run at {run}{hint}")
    path = run / "policy.json"
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise ValueError(f"{run} is no complete run: policy.json is missing") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError(f"{path} is damaged: it is not JSON") from None
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise ValueError(f"{path} is damaged: it has no format number")
    if record["format"] > FORMAT:
        raise ValueError(f"{run} has format {record['format']}, newer than {FORMAT}; a newer posology can read it")
    if record["format"] == 1 and isinstance(record.get("network"), dict):  # it knew networks of numbers only
        record["form"] = {"kind": "network", **record.pop("network")}
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        raise ValueError(f"{path} is damaged: it lacks {', '.join(missing)}")
    return record


def load_policy(run: Path | str, *, fingerprint: str | None = None, shift: bool = False, greedy: bool = True) -> Stored:
    """The policy of a run.

    Args:
        fingerprint: of the treatment it shall dose; None asks nothing.
        shift: load although the fingerprint differs.

    Raises:
        ValueError: for a run that is missing, damaged, newer, of wrong shape or for another treatment.
    """
    from posology.policies import forms

    run, record = Path(run), read_record(run)
    if fingerprint is not None and record["fingerprint"] != fingerprint and not shift:
        raise ValueError(
            f"{run} was trained on {record['treatment']} with fingerprint {record['fingerprint']}, "
            f"not {fingerprint}; judge it under a changed treatment with --shift"
        )
    arrays, _ = _read_arrays(run / "policy.safetensors", record["arrays_sha256"])
    damaged = f"{run / 'policy.json'} is damaged"
    try:
        form = forms.read(record["form"])
        expected = form.arrays()
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        raise ValueError(f"{damaged}: its form cannot be read ({error})") from None
    check_shapes(arrays, expected, f"{run / 'policy.safetensors'}")
    if not isinstance(record.get("belief", 0), int):
        raise ValueError(f"{damaged}: its belief is {record['belief']!r}; it must be a whole number of particles")
    try:
        features, actions = len(record["spec"]["observation"]), len(record["spec"]["actions"])
    except (TypeError, KeyError):
        raise ValueError(f"{damaged}: its spec has no lists 'observation' and 'actions'") from None
    if features != form.inputs or (actions and actions != form.outputs):
        raise ValueError(f"{damaged}: its form does not fit its spec")
    return Stored(form.policy(str(run.name), arrays, greedy=greedy), record, arrays, run)


def check_shapes(arrays: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]], what: str) -> None:
    """Raise a `ValueError` naming the first array that is missing, unknown or of wrong shape or kind."""
    for name in sorted(set(arrays) ^ set(expected)):
        raise ValueError(f"{what}: array '{name}' is {'missing' if name in expected else 'unknown'}")
    for name, shape in expected.items():
        if tuple(arrays[name].shape) != tuple(shape) or arrays[name].dtype != np.float32:
            got = f"{arrays[name].dtype}{list(arrays[name].shape)}"
            raise ValueError(f"{what}: array '{name}' is {got}, not float32{list(shape)}")
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{what}: array '{name}' holds values that are not finite")


def _read_arrays(path: Path, sha256: str | None = None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    if sha256 is not None and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{path} is damaged: it is not the file that policy.json was written for")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})
    except (SafetensorError, ValueError, KeyError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None


def save_checkpoint(folder: Path, state: Any, progress: Mapping[str, Any]) -> None:
    """Write a state (a pytree of arrays and keys) and the progress (JSON) of an unfinished run."""
    progress = {"format": FORMAT, **progress}
    header = {"progress": json.dumps(progress, allow_nan=False)}
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "checkpoint.safetensors", save(_flat(state), metadata=header))
    write_json(folder / "checkpoint.json", progress)


def checkpoint_progress(folder: Path) -> dict[str, Any] | None:
    """The progress of an unfinished run, None when it has no checkpoint.

    Raises:
        ValueError: for a damaged checkpoint or one of a newer format.
    """
    path = folder / "checkpoint.safetensors"
    return _progress(path, _read_arrays(path)[1]) if path.exists() else None


def load_checkpoint(folder: Path, like: Any) -> tuple[Any, dict[str, Any]]:
    """State and progress of an unfinished run.

    Args:
        like: a state of the same structure (arrays or shapes with dtypes).

    Raises:
        ValueError: for a damaged checkpoint, or one whose arrays do not fit `like`.
    """
    import jax
    import jax.numpy as jnp

    path = folder / "checkpoint.safetensors"
    arrays, header = _read_arrays(path)
    progress = _progress(path, header)
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    names = [jax.tree_util.keystr(where) for where, _ in leaves]
    if set(names) != set(arrays):
        raise ValueError(f"{path} does not fit this learner: its arrays have other names")
    restored = []
    for name, (_, leaf) in zip(names, leaves, strict=True):
        value = jnp.asarray(arrays[name])
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            value = jax.random.wrap_key_data(value)
        if value.shape != leaf.shape or value.dtype != leaf.dtype:
            raise ValueError(f"{path} does not fit this learner: {name} is {value.dtype}{list(value.shape)}")
        restored.append(value)
    return jax.tree.unflatten(structure, restored), progress


def drop_checkpoint(folder: Path) -> None:
    """Remove the checkpoint that a complete run no longer needs."""
    for name in ("checkpoint.safetensors", "checkpoint.json"):
        (folder / name).unlink(missing_ok=True)


def _progress(path: Path, header: Mapping[str, str]) -> dict[str, Any]:
    try:
        progress = json.loads(header["progress"])
    except (KeyError, json.JSONDecodeError):
        raise ValueError(f"{path} is damaged: its header has no progress") from None
    if progress.get("format", 0) > FORMAT:
        raise ValueError(f"{path} has format {progress['format']}, newer than {FORMAT}; a newer posology can resume it")
    return progress


def _flat(state: Any) -> dict[str, np.ndarray]:
    import jax

    flat = {}
    for where, leaf in jax.tree_util.tree_flatten_with_path(state)[0]:
        if jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        flat[jax.tree_util.keystr(where)] = np.asarray(leaf, order="C")
    return flat
