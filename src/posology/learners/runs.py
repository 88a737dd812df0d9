"""What a run's folder says of the learner, its settings, its problem and what it reached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from posology.learners.catalogue import LEARNERS
from posology.learners.catalogue import learner as learner_of
from posology.learners.judge import EVALUATION_SEED
from posology.learners.learner import config
from posology.policies import storage
from posology.policies.forms import description

IDENTITY = ("treatment", "fingerprint", "belief", "experience", "learner", "config", "seed", "pool", "data_hash", "start")


def identity(
    env: Any, learner: Any, seed: int, pool: int, fingerprint: str | None = None, data_hash: str | None = None,
    start: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What makes two runs the same: problem, learner, settings, seed, data, and the run that learning began with."""
    return {
        "treatment": env.spec.id,
        "fingerprint": fingerprint or getattr(env, "fingerprint", None) or storage.spec_hash(env.spec),
        "belief": getattr(env, "belief", 0),  # particles that the policy sees, 0 for none
        "experience": getattr(env, "experience", None),  # what else the policy sees of the decision before
        "learner": learner.id,
        "config": config(learner),
        "seed": seed,
        "pool": pool,
        "data_hash": data_hash,
        "start": start,
    }


def save(
    out: Path, env: Any, learner: Any, identity: Mapping[str, Any], arrays: Mapping[str, Any],
    result: dict[str, Any], judged_by: int = EVALUATION_SEED,
) -> None:  # fmt: skip
    """Write a complete run; `result` is what it reached on the patients of the seed `judged_by`, with its history."""
    record = {
        **identity,
        "updates": result["updates"],
        "seeds": {"training": identity["seed"], "evaluation": judged_by},
        "form": description(learner.form(env.spec)),
        "spec": storage.described(env.spec),
    }
    held = {name: np.asarray(v) for name, v in arrays.items()}
    storage.save_policy(out, held, record, result, card(record, result))


def card(record: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """`CARD.md`: what the policy is, what it reached, what it is not for."""
    spec = record["spec"]
    doses = ", ".join(a["label"] for a in spec["actions"]) or f"{spec['low']:g}-{spec['high']:g} {spec['action_unit']}"
    seen = ", ".join(f"{f['name']} ({f['unit']})" for f in spec["observation"])
    settings = "\n".join(f"- {name}: {value}" for name, value in record["config"].items())
    return f"""# {record["treatment"]} by {record["learner"]}

Research software, not a medical device: no patient may be dosed by this policy alone.

- Treatment: {record["treatment"]}, fingerprint {record["fingerprint"]}
- Doses: {doses}
- Sees: {seen}
- Learned from: {record["pool"]} simulated patients, seed {record["seed"]}{_origin(record)}
- Effort: {record["updates"]} updates, {result["samples"]} decisions
- Mean return on {result["patients"]} held-out simulated patients: {result["return_mean"]:.4g}
  (95 % interval {result["lower"]:.4g} to {result["upper"]:.4g})

Valid for patients like those it learned from, under that treatment's model; it knows nothing else.

## Settings

{settings}
"""


def _origin(record: Mapping[str, Any]) -> str:
    start = record.get("start")
    if not start:
        return ""
    return f"; began with a policy for {start['treatment']}, seed {start['seed']}, arrays {start['arrays_sha256'][:12]}"


def same(was: Mapping[str, Any], now: Mapping[str, Any], what: str) -> None:
    """Raise a `ValueError` that names the first difference between two runs. A setting that the earlier one's
    version did not have stands at its default, which changes nothing."""
    if now["learner"] in LEARNERS and isinstance(was.get("config"), dict):
        was = {**was, "config": {**config(learner_of(now["learner"])()), **was["config"]}}
    was, now = json.loads(json.dumps(was)), json.loads(json.dumps(now))
    for name in IDENTITY:
        if was.get(name) != now[name]:
            raise ValueError(
                f"{what} has {name} {was.get(name)}, not {now[name]}; resume it unchanged, discard it, or choose another name"
            )


def finished(out: Path, identity: Mapping[str, Any], resume: bool) -> dict[str, Any]:
    """The result of a run that is complete already."""
    if not resume:
        raise ValueError(f"{out} exists already; choose another name or remove it")
    same(storage.read_record(out), identity, f"the finished run {out}")
    storage.drop_checkpoint(out)
    result = json.loads((out / "evaluation.json").read_text())
    result.pop("history", None)
    return result
