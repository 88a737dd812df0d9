"""How well the classifiers of symptoms do on held-out synthetic patients, beside the exact answer."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from posology.clinic.api.symptoms import Anyone, Rule, study_of
from posology.clinic.errors import NotFound
from posology.clinic.study import LASTS, Study
from posology.clinic.web.drawing import themed
from posology.clinic.web.render import page
from posology.symptoms import learning

NAV = [("Performance", "/performance", "")]
router = APIRouter(prefix="/performance")
Of = Annotated[Rule, Query()]


@router.get("")
def performance(request: Request, who: Anyone, of: Of = "decision-tree") -> Response:
    """The comparison, or that it is being made."""
    study = study_of(request)
    found = study.compared()
    if found is None:
        return page(request, "performance_waits.html", title="Performance", lasts=LASTS, rows=study.rows, failed=study.failed)
    rules = everyone(found)
    return page(
        request, "performance.html", title="Performance", found=found, rules=rules, of=of, confused=confused(found, of),
        groups=list(found["bayes"]["subgroups"]), described=described(found, of), learned=learned(),
    )  # fmt: skip


@router.get("/reliability.svg")
def reliability(request: Request, who: Anyone) -> Response:
    """How sure each rule was, and how often right."""
    return themed(drawn(study_of(request), "reliability", ""))


@router.get("/confusion.svg")
def confusion(request: Request, who: Anyone, of: Of = "decision-tree") -> Response:
    """What one rule takes for what; on white paper, as shades of a colour say how much."""
    return Response(drawn(study_of(request), "confusion", of), media_type="image/svg+xml")


def learned() -> dict[str, Any] | None:
    """How many patients a tree needs, where that was measured: as a table and in sentences."""
    found = learning.stored()
    if found is None:
        return None
    return {"heads": learning.HEADS, "rows": learning.cells(found), "said": learning.sentences(found), "of": found["held_out"]}


def everyone(found: dict[str, Any]) -> dict[str, Any]:
    """The exact rule, then the classifiers, by name."""
    return {"bayes": found["bayes"], **found["classifiers"]}


def confused(found: dict[str, Any], of: str, most: int = 8) -> list[dict[str, Any]]:
    """The commonest mistakes of a rule: of the patients with one disease, the share taken for another."""
    names = [d["title"] for d in found["diseases"]]
    rows = [
        {"true": names[i], "taken": names[j], "share": count / sum(counts), "count": count, "of": sum(counts)}
        for i, counts in enumerate(everyone(found)[of]["confusion"])
        for j, count in enumerate(counts)
        if i != j and count
    ]
    return sorted(rows, key=lambda row: (-row["share"], row["true"]))[:most]


def described(found: dict[str, Any], of: str) -> str:
    """The confusion matrix in a sentence, for who does not see it."""
    rule, worst = everyone(found)[of], confused(found, of, 1)
    said = f"{rule['title']}: right in {100 * rule['accuracy']['value']:.1f} % of all"
    return said + (f"; most often {worst[0]['true']} is taken for {worst[0]['taken']}." if worst else ".")


@lru_cache(maxsize=8)
def drawn(study: Study, kind: str, of: str) -> str:
    """A picture of the comparison as SVG; drawn once for each process.

    Raises:
        NotFound: while the comparison is being made.
        Unavailable: when it could not be made.
    """
    from posology.figures import confusion as confusions
    from posology.figures import reliability as reliabilities
    from posology.figures.style import svg

    found = study.compared()
    if found is None:
        raise NotFound(study.waiting(f"the picture of {kind}"))
    rules = everyone(found)
    if kind == "reliability":
        sure = "Synthetic patients. On the line: right as often as said; below it: too sure."
        return svg(reliabilities.reliability({rule["title"]: rule["reliability"] for rule in rules.values()}, sure))
    names, title = [d["title"] for d in found["diseases"]], f"What it takes for what: {rules[of]['title']}"
    said = "Per cent of each true disease; the diagonal is right. Synthetic patients."
    return svg(confusions.confusion(rules[of]["confusion"], names, title, said))
