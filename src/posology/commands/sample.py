"""`posology sample TREATMENT --arm ARM --out file.parquet`: decisions of an arm as a table to learn from."""

from __future__ import annotations

from pathlib import Path

import typer

from posology.commands.errors import patients_of, writable
from posology.commands.output import print_json
from posology.commands.progress import told


def sample(
    treatment_id: str = typer.Argument(metavar="TREATMENT", help="A treatment's id (see `posology list treatments`)."),
    arm: str = typer.Option("standard", "--arm", help="A guideline, `oracle` or a run folder."),
    patients: int = typer.Option(1000, min=1, max=1_000_000, help="Virtual patients."),
    seed: int = typer.Option(1, min=0, max=2**31 - 1, help="Seed of patients and noise."),
    explore: float = typer.Option(0.0, min=0, max=1, help="Probability of any dose that may be given instead."),
    out: Path = typer.Option(..., help="The Parquet file to write."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Write what an arm decides on virtual patients, one row per decision, to a Parquet file."""
    treatment = patients_of(treatment_id)
    writable(out, "--out")
    import jax

    from posology.data import trajectories
    from posology.environments.protocol import TreatmentEnvironment
    from posology.evaluation.collect import collect
    from posology.evaluation.trial import NOISE, PATIENTS, load

    env, root = TreatmentEnvironment(treatment), jax.random.key(seed)
    arms = load(arm, env, shift=False)
    if len(arms) > 1:
        raise ValueError(f"--arm {arm} holds {len(arms)} runs; name one of them")
    cohort = env.draw(jax.random.fold_in(root, PATIENTS), patients)
    noise = jax.random.fold_in(root, NOISE)
    with told("playing", patients) as progress:
        about = {"arm": arm, "seed": seed, "explore": explore}
        table = collect(env, arms[0], cohort, noise, explore, lambda n: progress(arm, n), about)
    trajectories.write(out, table)
    if as_json:
        return print_json({"out": str(out), "treatment": treatment_id, "arm": arm, "patients": patients, "rows": len(table)})
    print(f"{out}: {len(table)} decisions of {patients} patients")
