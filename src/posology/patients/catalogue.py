"""Every patient model, by id. A user's package adds its own through the entry points `posology.models`:

[project.entry-points."posology.models"]
"mydrug-author2020" = "mypackage.mydrug_author2020:MODEL"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from posology.patients.maps import MapModel
from posology.patients.model import PatientModel
from posology.patients.models import (
    angiogenesis_hahnfeldt1999,
    benchmark_oral_friberg,
    busulfan_neroutsos2022,
    capecitabine_henin2009,
    carboplatin_ekhart2008,
    chemotherapy_zhao2009,
    docetaxel_friberg2002,
    docetaxel_kloft2006,
    docetaxel_koolen2010,
    docetaxel_onoue2016,
    docetaxel_ozawa2007,
    fluorouracil_arshad2020,
    glioma_mazzocco2015,
    glioma_ribba2012,
    immune_depillis2003,
    immune_depillis2009,
    immune_ghaffari2016,
    immune_kirschner1998,
    immune_kuznetsov1994,
    melanoma_tsur2019,
    mercaptopurine_gebhard2023,
    methotrexate_taylor2020,
    nab_paclitaxel_chen2014,
    nsclc_chatterjee2016,
    nsclc_claret2014,
    nsclc_geng2017,
    ovarian_zecchin2016,
    paclitaxel_henrich2017,
    phenobarbital_grasela1985,
    prostate_bradynicholls2020,
    prostate_ideta2008,
    prostate_strobl2021,
    prostate_zhang2017,
    sunitinib_fatigue_hansson2013,
    sunitinib_hansson2013,
    vancomycin_rhodin2009,
    vancomycin_thomson2009,
    xenograft_simeoni2004,
)

GROUP = "posology.models"

MODELS: dict[str, PatientModel] = {
    "paclitaxel-henrich2017": paclitaxel_henrich2017.MODEL,
    "nab-paclitaxel-chen2014": nab_paclitaxel_chen2014.MODEL,
    "docetaxel-kloft2006": docetaxel_kloft2006.MODEL,
    "phenobarbital-grasela1985": phenobarbital_grasela1985.MODEL,
    "vancomycin-thomson2009": vancomycin_thomson2009.MODEL,
    "vancomycin-rhodin2009": vancomycin_rhodin2009.MODEL,
    "prostate-strobl2021": prostate_strobl2021.MODEL,
    "glioma-ribba2012": glioma_ribba2012.MODEL,
    "glioma-mazzocco2015": glioma_mazzocco2015.MODEL,
    "carboplatin-ekhart2008": carboplatin_ekhart2008.MODEL,
    "busulfan-neroutsos2022": busulfan_neroutsos2022.MODEL,
    "methotrexate-taylor2020": methotrexate_taylor2020.MODEL,
    "fluorouracil-arshad2020": fluorouracil_arshad2020.MODEL,
    "mercaptopurine-gebhard2023": mercaptopurine_gebhard2023.MODEL,
    "nsclc-claret2014": nsclc_claret2014.MODEL,
    "nsclc-chatterjee2016": nsclc_chatterjee2016.MODEL,
    "ovarian-zecchin2016": ovarian_zecchin2016.MODEL,
    "sunitinib-hansson2013": sunitinib_hansson2013.MODEL,
    "angiogenesis-hahnfeldt1999": angiogenesis_hahnfeldt1999.MODEL,
    "xenograft-simeoni2004": xenograft_simeoni2004.MODEL,
    "docetaxel-friberg2002": docetaxel_friberg2002.MODEL,
    "docetaxel-ozawa2007": docetaxel_ozawa2007.MODEL,
    "docetaxel-onoue2016": docetaxel_onoue2016.MODEL,
    "melanoma-tsur2019": melanoma_tsur2019.MODEL,
    "docetaxel-koolen2010": docetaxel_koolen2010.MODEL,
    "immune-depillis2003": immune_depillis2003.MODEL,
    "immune-depillis2009": immune_depillis2009.MODEL,
    "immune-ghaffari2016": immune_ghaffari2016.MODEL,
    "immune-kirschner1998": immune_kirschner1998.MODEL,
    "immune-kuznetsov1994": immune_kuznetsov1994.MODEL,
    "prostate-bradynicholls2020": prostate_bradynicholls2020.MODEL,
    "prostate-ideta2008": prostate_ideta2008.MODEL,
    "benchmark-oral-friberg": benchmark_oral_friberg.MODEL,
}


MAPS: dict[str, MapModel] = {
    "nsclc-geng2017": nsclc_geng2017.MODEL,
    "prostate-zhang2017": prostate_zhang2017.MODEL,
    "capecitabine-henin2009": capecitabine_henin2009.MODEL,
    "chemotherapy-zhao2009": chemotherapy_zhao2009.MODEL,
    "sunitinib-fatigue-hansson2013": sunitinib_fatigue_hansson2013.MODEL,
}  # that move in steps instead of by differential equations


def added() -> dict[str, EntryPoint]:
    """Models that other installed packages announce, by id, not yet loaded; a built-in id is never replaced."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in {**MODELS, **MAPS}}


def ids() -> tuple[str, ...]:
    """Ids of all models, built-in ones first."""
    return (*MODELS, *sorted(added()))


def model(model_id: str) -> PatientModel:
    """The model of that id.

    Raises:
        ValueError: naming the known ids, when there is none, or what is wrong with an added model.
    """
    if model_id in MODELS:
        return MODELS[model_id]
    others = added()
    if model_id not in others:
        raise ValueError(f"unknown model '{model_id}'; known: {', '.join(ids())}")
    loaded = others[model_id].load()
    if getattr(loaded, "id", None) != model_id:
        raise ValueError(
            f"entry point '{model_id}' of {GROUP} gives {loaded!r:.80}; it must give a model whose id is '{model_id}'"
        )
    return loaded
