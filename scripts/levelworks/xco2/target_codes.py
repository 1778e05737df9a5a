"""Numbers of targets in global mosaics: a type by prefix and an id within the type, as OCO3-data-transformer has them.

The numbers of ecostress and sif sites, whose names end in letters, are those of its table ``TargetInfo.py``
(EarthDigitalTwin/OCO3-data-transformer, Apache-2.0): positions in the lists below, counted from one.
"""

from __future__ import annotations

import re

TYPE_CODES = {"fossil": 1, "ecostress": 2, "sif": 3, "volcano": 4, "tccon": 5}
OTHER = 6
UNRESOLVED = 0

ECOSTRESS_SITES = """
    afln ar_slu ar_vir au_asm au_cum au_das au_dry au_how au_lit au_stp au_tum au_wom au_ync bdog be_lon be_vie br_cmt
    br_no ch_dav ch_fru ch_lae cr_fsc cr_srnp_emss cz_bk1 de_rus de_tha fr_fon il_yat it_cp2 it_tor ke_mak kr_gck ne_waf
    nz_bfm nz_kop nz_oxf nz_sco sleg ssh_czo_cal ssh_czo_shale us_arm us_bar us_bi1 us_bsg us_ced us_cf1 us_cs1 us_cz1
    us_cz2 us_hn1 us_hn2 us_kfs us_kon us_los us_me2 us_men us_mms us_mrf us_ro4 us_rr us_scc us_scs us_ses us_slt us_sp
    us_syv us_tx2 us_tx5 us_tx6 us_tx9 us_var us_vcm us_wjs us_wkg us_wpp us_wwt
"""
SIF_SITES = "atto atto_2 hrv jro laselva mead mpj mzo niwot oko santarita shq umb uva"
SITE_NUMBERS = {
    f"{prefix}_{site}": number
    for prefix, sites in (("ecostress", ECOSTRESS_SITES), ("sif", SIF_SITES))
    for number, site in enumerate(sites.split(), start=1)
}


def target_type(target_id: str) -> int:
    """Return the type code of a target: 1 fossil, 2 ecostress, 3 sif, 4 volcano, 5 tccon, 6 other."""
    return next((code for prefix, code in TYPE_CODES.items() if target_id.startswith(prefix)), OTHER)


def target_number(target_id: str) -> int:
    """Return the number of a target within its type: from the table of named sites, or its trailing digits.

    Returns
    -------
    int
        0 where neither gives one.
    """
    if target_id.startswith(("ecostress", "sif")):
        return SITE_NUMBERS.get(target_id, UNRESOLVED)
    digits = re.search(r"\d+$", target_id)
    return int(digits[0]) if digits else UNRESOLVED
