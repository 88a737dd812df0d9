"""The limits a second time, in NumPy, from tables written here: shares no code with the package.

`open_rows(name, facts, table)` says which rows may be given, for facts as a dict of float32 arrays.
"""

from __future__ import annotations

import numpy as np

FIELDS = [
    *("anc", "anc_age", "bilirubin", "bilirubin_ratio", "hep12", "cumulative_dose", "last_dose", "last_nadir_grade"),
    *("delays_in_row", "bsa", "weight", "age", "days_since_dose"),
    *("gene_share", "responded", "crcl", "liver_share"),
]

# drug: largest dose, steps by bilirubin (multiple of ULN: mg/m2), liver must be normal
TABLE = {
    "paclitaxel": (175, [(1.25, 175), (2, 115), (3.5, 100), (10, 70)], False),
    "paclitaxel-200": (200, [(1.25, 200), (2, 115), (3.5, 100), (10, 70)], False),
    "nab-paclitaxel": (260, None, False),
    "docetaxel": (100, None, True),
}
ULN, ANC, ANC_DAYS, DELAYS, PHENOBARBITAL = 21, 1.5, 7, 2, 5
AREA, FILTERED, OTHER = 6, 125, 25  # mg.min/mL; mL/min at most; mL/min beside
LIFETIME = 450  # mg/m2 of doxorubicin
VANCOMYCIN, VANCOMYCIN_PER_KG = 4500, np.float32(60)  # mg/d, mg/kg/d


def sane(x):
    return ~(np.isinf(x) | (x < 0))


def bilirubin_at_most(f, multiple):
    ratio, value = f["bilirubin_ratio"].astype(float), f["bilirubin"].astype(float)
    inside = np.where(np.isnan(ratio), value <= multiple * ULN, ratio <= multiple)
    return inside & sane(ratio) & sane(value)


def largest_dose(name, f):
    """mg/m2; 0 where no dose may be given, the gate included."""
    maximum, steps, normal_liver = TABLE[name]
    top = np.full(len(f["anc"]), float(maximum))
    if steps:
        step_top = np.zeros_like(top)
        for multiple, dose in steps[::-1]:
            step_top[bilirubin_at_most(f, multiple)] = dose
        top = np.minimum(top, step_top)
    if normal_liver:
        top[~(bilirubin_at_most(f, 1) & (f["hep12"] == 0))] = 0
    return top


def gate_open(f):
    anc, age = f["anc"], f["anc_age"]
    return (anc >= ANC) & np.isfinite(anc) & (age <= ANC_DAYS) & (age >= 0)


def taxane_rows(name, f, table):
    top, gate = largest_dose(name, f)[:, None], gate_open(f)[:, None]
    delays = f["delays_in_row"][:, None]
    delay = ~gate & (delays >= 0) & (delays < DELAYS)
    amount, is_delay = table["amount"][None], table["delay"][None]
    dose = (amount > 0) & (amount <= top) & gate
    return np.where(is_delay, delay, np.where(amount == 0, gate, dose))


def phenobarbital_rows(f, table):
    per_day = table["amount"] * 24 / table["interval"]
    return np.broadcast_to(per_day <= PHENOBARBITAL, (len(f["anc"]), len(per_day)))


def vancomycin_most(f):
    """mg/d; 0 where the weight is not known."""
    known = np.isfinite(f["weight"]) & (f["weight"] > 0)
    return np.where(known, np.minimum(VANCOMYCIN, VANCOMYCIN_PER_KG * f["weight"]), 0)


def vancomycin_rows(f, table):
    per_day = table["amount"] * 24 / table["interval"]
    return (table["amount"] == 0) | (per_day <= vancomycin_most(f)[:, None])


def by_share(share, usual):
    """The largest dose that a share of the usual one leaves; 0 where the share is 0, impossible or not known."""
    with np.errstate(over="ignore", invalid="ignore"):
        bounded = np.where(sane(share) & (share > 0), share * np.float32(usual), 0)
    return np.where(sane(share) & (share >= 1), np.inf, bounded)


def by_genes(f, usual):
    """As `by_share`, but without a bound where no gene is known or a response was measured; a share of 0 stays 0."""
    top = by_share(f["gene_share"], usual)
    top = np.where((top > 0) & (f["responded"] > 0), np.inf, top)
    return np.where(np.isnan(f["gene_share"]), np.inf, top)


def by_filtration(f):
    crcl = f["crcl"]
    return np.where(sane(crcl) & ~np.isnan(crcl), AREA * (np.minimum(crcl, FILTERED) + OTHER), 0)


def by_kidneys(f, usual):
    """Methotrexate: half below 50 mL/min, none below 30 or where the clearance is unknown or impossible."""
    crcl = f["crcl"]
    known = sane(crcl) & ~np.isnan(crcl)
    return np.where(~known | (crcl < 30), 0, np.where(crcl < 50, 0.5 * usual, np.inf))


def by_organ(f, share, value, usual):
    """As `by_share`; 0 too where the value behind the share is impossible."""
    return np.where(sane(f[value]), by_share(f[share], usual), 0)


def by_lifetime(f):
    given = f["cumulative_dose"]
    return np.where(sane(given) & (given < LIFETIME), LIFETIME - given, 0)


# drug: usual dose, largest dose by the rules in the unit of the usual one
PERSONAL = {
    "fluorouracil": (2400.0, lambda f: by_genes(f, 2400)),
    "mercaptopurine": (75.0, lambda f: by_genes(f, 75)),
    "carboplatin": (600.0, by_filtration),
    "methotrexate": (3000.0, lambda f: by_kidneys(f, 3000)),
    "doxorubicin": (60.0, lambda f: np.minimum(by_lifetime(f), by_organ(f, "liver_share", "bilirubin", 60))),
}


def normal(facts):
    """Numbers too small to be normal count as 0: processors differ on them."""
    return {k: np.where(np.abs(v) < np.finfo(np.float32).tiny, np.float32(0), v) for k, v in facts.items()}


def open_rows(name, f, table):
    f = normal(f)
    with np.errstate(invalid="ignore", over="ignore"):
        if name == "vancomycin":
            return vancomycin_rows(f, table)
        return phenobarbital_rows(f, table) if name == "phenobarbital-neonate" else taxane_rows(name, f, table)


def around(*values):
    """Each value with its two neighbours in float32."""
    near = [np.nextafter(np.float32(v), np.float32(s * np.inf), dtype=np.float32) for v in values for s in (-1, 1)]
    return [np.float32(v) for v in values] + near


ODD = [np.nan, np.inf, -np.inf, -1.0, -1e-30, 0.0, 1e-40, -1e-40, 3e38]
SPECIAL = {
    "anc": around(1.5, 0.5, 1.0),
    "anc_age": around(7.0, 0.0, 1.0),
    "bilirubin": around(21, 26.25, 42, 73.5, 210),
    "bilirubin_ratio": [*around(1, 1.25, 2, 3.5, 10), np.nan, np.nan, np.nan, np.nan],
    "hep12": [0.0, 0.0, 1.0, 0.5],
    "cumulative_dose": around(175, 350),
    "delays_in_row": around(0, 1, 2, 3),
    "bsa": around(1.3, 1.8, 2.5),
    "weight": around(0.5, 3.5, 70),
    "days_since_dose": around(21, 14),
    "gene_share": [*around(0, 0.3 / 7, 0.35, 0.5, 0.55, 1), np.nan, np.nan],
    "responded": [0.0, 0.0, 1.0],
    "crcl": around(15, 30, 50, 70, 125),
    "liver_share": around(0, 0.25, 0.5, 1),
}
NORMAL = {"anc": 4, "anc_age": 1, "bilirubin": 9, "bilirubin_ratio": np.nan, "hep12": 0, "cumulative_dose": 350,
          "last_dose": 175, "last_nadir_grade": 2, "delays_in_row": 0, "bsa": 1.8, "weight": 70, "age": 60,
          "days_since_dose": 21, "gene_share": 0.5, "responded": 0, "crcl": 40,
          "liver_share": 0.5}  # fmt: skip


def adversarial(n, seed):
    """`n` fact sets: each fact normal, at a boundary, odd (NaN, infinite, negative, tiny, huge) or random."""
    rng = np.random.default_rng(seed)
    facts = {}
    for name in FIELDS:
        # boundaries of one fact show only where the others let a dose through
        way = rng.choice(4, n, p=(0.5, 0.3, 0.1, 0.1))
        special = np.array(SPECIAL.get(name, [NORMAL[name]]), np.float32)
        columns = np.stack([
            np.full(n, NORMAL[name], np.float32),
            special[rng.integers(len(special), size=n)],
            np.array(ODD, np.float32)[rng.integers(len(ODD), size=n)],
            np.exp(rng.normal(np.log(np.nan_to_num(max(NORMAL[name], 1), nan=1)), 1.5, n)).astype(np.float32),
        ])  # fmt: skip
        facts[name] = columns[way, np.arange(n)]
    return facts
