"""How well models foresee real patients: `posology forecast`."""
