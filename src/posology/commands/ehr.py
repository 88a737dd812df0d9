"""`posology ehr run TREATMENT:ARM`: a policy against a virtual hospital, through FHIR alone."""

from __future__ import annotations

import typer

from posology.commands.output import print_json, print_table

ehr = typer.Typer(add_completion=False, help="Virtual hospitals: simulated patients behind the interface of a real one.")


@ehr.callback()
def hospital() -> None:
    """Virtual hospitals."""


@ehr.command("run")
def run_policy(
    who: str = typer.Argument(metavar="RUN|TREATMENT:ARM", help="A run folder, or such as paclitaxel-label-v1:clinical-rule."),
    patients: int = typer.Option(4, min=1, max=1000, help="Simulated patients."),
    visits: int = typer.Option(3, min=1, max=1000, help="Visits of each at most; a course may end before."),
    seed: int = typer.Option(1, min=0, max=2**31 - 1, help="Of the patients and their noise: the same seed gives the same ones."),
    research: bool = typer.Option(False, "--research", help="Also for a treatment that is marked for research only."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Let a policy dose simulated patients whose results and orders are FHIR resources, in accelerated time. Research use."""
    from posology.commands.recommend import policy_of

    treatment, policy = policy_of(who)
    from posology.bedside.sentences import DISCLAIMER
    from posology.clinic.ehr_run import run

    made = run(treatment, policy, patients, visits, seed, research)
    if as_json:
        about = {"treatment": treatment.id, "fingerprint": treatment.fingerprint, "policy": policy, "seed": seed}
        return print_json({**about, "visits": [v._asdict() for v in made], "disclaimer": DISCLAIMER})
    seen = ["" if v.seen is None else f"{v.seen:.3g} {v.unit}" for v in made]
    rows = [
        [v.patient, v.visit, round(v.day, 3), value, v.ordered, v.mg, v.wait_days, v.abstained]
        for v, value in zip(made, seen, strict=True)
    ]
    header = ["patient", "visit", "day", f"{treatment.key} seen", "ordered", "mg", "days to next", "why not"]
    print_table(f"{treatment.id}, {policy}: simulated patients, seed {seed}", header, rows)
    print(DISCLAIMER)


@ehr.command("serve")
def serve_hospital(
    treatment: str = typer.Argument(help="Whose patients they are, such as paclitaxel-label-v1."),
    patients: int = typer.Option(4, min=1, max=1000, help="Simulated patients."),
    seed: int = typer.Option(1, min=0, max=2**31 - 1, help="Of the patients and their noise."),
    port: int = typer.Option(8100, min=1, max=65535, help="Of this machine alone."),
    as_json: bool = typer.Option(False, "--json", help="Print the address as JSON, then serve."),
) -> None:
    """Answer as a hospital's FHIR server with simulated patients, on this machine, until interrupted."""
    from posology.commands.recommend import policy_of

    asked, _ = policy_of(treatment)
    import uvicorn

    from posology.clinic.ehr_app import create_ehr

    address = f"http://127.0.0.1:{port}/fhir"
    if as_json:
        print_json({"url": address, "treatment": asked.id, "patients": patients, "seed": seed})
    else:
        print(f"A virtual hospital of {patients} patients of {asked.id}: {address}/Patient")
    uvicorn.run(create_ehr(asked, patients, seed), host="127.0.0.1", port=port, log_level="warning")
