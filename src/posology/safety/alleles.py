"""What a record says of a gene, as the phenotype or activity score that dosing rules speak of.

A record may hold the phenotype ("Intermediate Metabolizer", IM), for DPYD the activity score (1.5), or the two alleles
("*1/*3A", "Reference/c.2846A>T"). Two alleles make an activity score, the sum of their values, or a phenotype by how many of them
have no or less function. What is uncertain stays unknown; an allele without function beside an uncertain one ("possible
intermediate") counts as intermediate, which lowers the dose: a design choice.

Functions of alleles: CPIC, as in PharmCAT's phenotype tables of November 2025 (CC0); read there, `verified`.
"""

from __future__ import annotations

import re

SOURCE, STATUS = "CPIC allele functions, PharmCAT tables of November 2025", "verified"
GENES = ("DPYD", "TPMT", "NUDT15", "UGT1A1")

# DPYD: the activity that an allele leaves
ACTIVITY: dict[float, str] = {
    1.0: """Reference | c.46C>G | c.62G>A | c.85T>C (*9A) | c.313G>A | c.343A>G | c.451A>G | c.496A>G | c.498G>A | c.525G>A |
    c.775A>G | c.929T>C | c.934C>T | c.967G>A | c.1003G>T (*11) | c.1108A>G | c.1180C>T | c.1181G>T | c.1218G>A | c.1260T>A |
    c.1278G>T | c.1294G>A | c.1349C>T | c.1358C>G | c.1371C>T | c.1403C>A | c.1519G>A | c.1543G>A | c.1577C>G | c.1601G>A (*4) |
    c.1615G>A | c.1627A>G (*5) | c.1682G>T | c.1796T>C | c.1896T>C | c.1905C>G | c.1906A>C | c.1990G>T | c.2161G>A | c.2186C>T |
    c.2194G>A (*6) | c.2195T>G | c.2303C>A | c.2336C>A | c.2482G>A | c.2582A>G | c.2623A>C | c.2656C>T | c.2657G>A (*9B) |
    c.2915A>G | c.2921A>T | c.2977C>T | c.2978T>G | c.3049G>A | c.3061G>C | c.3067C>A""",
    0.5: "c.557A>G | c.868A>G | c.1129-5923C>G | c.1129-5923C>G, c.1236G>A (HapB3) | c.1314T>G | c.2279C>T | c.2846A>T",
    0.0: """c.61C>T | c.295_298delTCAT (*7) | c.601A>C | c.632A>G | c.703C>T (*8) | c.1024G>A | c.1057C>T | c.1156G>T (*12) |
    c.1475C>T | c.1484A>G | c.1679T>G (*13) | c.1774C>T | c.1775G>A | c.1777G>A | c.1898delC (*3) | c.1905+1G>A (*2A) |
    c.2021G>A | c.2639G>T | c.2872A>G | c.2933A>G | c.2983G>T (*10)""",
}
# the other genes: alleles with full (or more), with no (or less) function, and those of which it is not known
FULL: dict[str, str] = {"TPMT": "*1", "NUDT15": "*1", "UGT1A1": "*1 *36"}
LOST: dict[str, str] = {
    "TPMT": "*2 *3A *3B *3C *4 *11 *14 *15 *23 *29 *41",
    "NUDT15": "*2 *3 *9",
    "UGT1A1": "*6 *27 *28 *37 *80+*28 *80+*37",
}
UNSURE: dict[str, str] = {
    "TPMT": "*5 *6 *7 *8 *9 *10 *12 *13 *16 *17 *18 *19 *20 *21 *22 *24 *25 *26 *27 *28 *30 *31 *32 *33 *34 *35 *36 *37 *38 "
    "*39 *40",
    "NUDT15": "*4 *5 *6 *7 *8",
    "UGT1A1": "*80",
}

PHENOTYPES = {
    "nm": "normal", "im": "intermediate", "pm": "poor", "possible intermediate": "intermediate", "rapid": "normal",
    "ultrarapid": "normal", "indeterminate": None, "unknown": None, "not tested": None, "n a": None, "no result": None,
    **{name: name for name in ("normal", "intermediate", "poor")},
}  # fmt: skip
# DPYD is dosed by its score; a phenotype alone stands for the lowest score that it covers
SCORES = {"normal": "2", "intermediate": "1", "poor": "0"}


def _dpyd() -> dict[str, float]:
    """Every name of an allele: as printed, its parts, and the star in brackets."""
    found = {"*1": 1.0}
    for activity, listed in ACTIVITY.items():
        for allele in re.split(r"\s*\|\s*", listed):
            base, _, star = allele.partition(" (")
            found |= dict.fromkeys((allele.lower(), base.lower(), *([star[:-1].lower()] if star else [])), activity)
    return found


def _others(gene: str) -> dict[str, float | None]:
    kinds = ((FULL, 1.0), (LOST, 0.0), (UNSURE, None))
    return {allele.lower(): function for table, function in kinds for allele in table[gene].split()}


ALLELES: dict[str, dict[str, float | None]] = {g: {**_dpyd()} if g == "DPYD" else _others(g) for g in GENES}


def phenotype_of(gene: str, text: str) -> str | None:
    """The phenotype of a gene, for DPYD its activity score ("0", "0.5" … "2"); None where it is not known.

    Raises:
        ValueError: for a text that is neither a phenotype, a score nor two known alleles.
    """
    said = re.sub(r"^(activity score|as)\b[\s:=]*", "", text.strip().lower().removeprefix(gene.lower()).strip(" :="))
    words = re.sub(r"[^a-z]+", " ", re.sub(r"\bmetaboli[sz]er\b", "", said)).strip()
    if words in PHENOTYPES and not re.search(r"[0-9*]", said):
        phenotype = PHENOTYPES[words]
        return SCORES[phenotype] if phenotype and gene == "DPYD" else phenotype
    if gene == "DPYD" and said in {f"{k / 2:g}" for k in range(5)} | {f"{k / 2:.1f}" for k in range(5)}:
        return f"{float(said):g}"
    pair = [part.strip() for part in said.split("/")]
    if len(pair) != 2 or not all(allele in ALLELES[gene] for allele in pair):
        score = "an activity score of 0, 0.5, 1, 1.5 or 2, " if gene == "DPYD" else ""
        example = "Reference/c.2846A>T" if gene == "DPYD" else "*1/*1"
        raise ValueError(
            f"genotype {gene}: '{text}' is not understood; allowed: normal, intermediate or poor metabolizer, indeterminate, "
            f"{score}or two alleles of CPIC's table such as {example}"
        )
    first, second = (ALLELES[gene][allele] for allele in pair)
    return _of_pair(gene, first, second)


def _of_pair(gene: str, first: float | None, second: float | None) -> str | None:
    if first is None or second is None:  # one lost function is enough for a possible intermediate; not so for UGT1A1 at CPIC
        return "intermediate" if 0.0 in (first, second) and gene != "UGT1A1" else None
    if gene == "DPYD":
        return f"{first + second:g}"
    return ("poor", "intermediate", "normal")[int(first + second)]
