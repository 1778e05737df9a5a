"""Names of Level-1 images: what they say, and which are refused."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, time
from pathlib import Path

import pytest

from levelworks.ard.names import Identity, identify, is_archive, product_stem
from levelworks.core.outcome import InvalidInput

LANDSAT = "LC08_L1TP_193024_20180824_20200831_02_T1"
SAFE = "S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042"
OLD_SAFE = "S2A_OPER_PRD_MSIL1C_PDMC_20160112T232100_R111_V20160112T160202_20160112T160202"
OLD_GRANULE = "S2A_OPER_MSI_L1C_TL_SGS__20160112T214028_A002911_T18SVG"


@pytest.mark.parametrize("ending", ["", ".tar", ".tar.gz", ".tgz", ".TAR", "_MTL.txt", "_MTL.TXT", "_MTL.xml", ".zip"])
def test_a_landsat_product_is_known_by_its_name(ending: str) -> None:
    assert identify(Path("/l1") / f"{LANDSAT}{ending}") == Identity(LANDSAT, "LND08", date(2018, 8, 24), None, "193024")


@pytest.mark.parametrize(
    ("name", "sensor", "day", "reference"),
    [
        ("LC80200392015216LGN00", "LND08", date(2015, 8, 4), "020039"),
        ("LT52180722010213CUB00.tar.gz", "LND05", date(2010, 8, 1), "218072"),
        ("LE71600312011106ASN00", "LND07", date(2011, 4, 16), "160031"),
        ("LT41960241988366XXX04", "LND04", date(1988, 12, 31), "196024"),
        ("LO08_L1TP_195025_20130707_20170503_01_T1", "LND08", date(2013, 7, 7), "195025"),
        ("LC09_L1GT_112081_20220209_20220209_02_T2.tar", "LND09", date(2022, 2, 9), "112081"),
        ("LE07_L1TP_107068_20220310_20220405_02_RT", "LND07", date(2022, 3, 10), "107068"),
    ],
)
def test_landsat_names_old_and_new(name: str, sensor: str, day: date, reference: str) -> None:
    found = identify(Path(name))
    assert (found.sensor, found.date, found.reference) == (sensor, day, reference)
    assert found.id == name.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("ending", ["", ".SAFE", ".SAFE.zip", ".zip", ".SAFE.SAFE", ".ZIP"])
def test_a_sentinel2_product_is_known_by_its_name(ending: str) -> None:
    assert identify(Path(f"{SAFE}{ending}")) == Identity(SAFE, "SEN2A", date(2018, 6, 29), time(0, 2, 41), "T56JMM")


def test_a_granule_has_the_identity_of_its_product() -> None:
    granule = Path(f"{SAFE}.SAFE/GRANULE/L1C_T56JMM_A015757_20180629T000241")
    assert identify(granule) == identify(Path(f"{SAFE}.SAFE"))
    with pytest.raises(InvalidInput, match="which satellite"):
        identify(Path("L1C_T56JMM_A015757_20180629T000241"))


def test_old_products_hold_several_tiles_and_their_granules_one() -> None:
    product = identify(Path(f"{OLD_SAFE}.SAFE"))
    assert product == Identity(OLD_SAFE, "SEN2A", date(2016, 1, 12), time(16, 2, 2), None)
    granule = identify(Path(f"{OLD_SAFE}.SAFE/GRANULE/{OLD_GRANULE}_N02.01"))
    assert granule == Identity(OLD_GRANULE, "SEN2A", date(2016, 1, 12), time(16, 2, 2), "T18SVG")
    assert "." not in granule.id


def test_an_old_granule_alone_is_dated_by_its_metadata(tmp_path: Path) -> None:
    folder = tmp_path / f"{OLD_GRANULE}_N02.01"
    folder.mkdir()
    with pytest.raises(InvalidInput, match="when it was sensed"):
        identify(folder)
    text = "<a><SENSING_TIME metadataLevel='Standard'>2016-01-13T16:02:30.5Z</SENSING_TIME></a>"
    (folder / f"{OLD_GRANULE.replace('MSI_L1C', 'MTD_L1C')}.xml").write_text(text)
    assert identify(folder).date == date(2016, 1, 13)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("LM50490251987214PAC00", "MSS"),
        ("LM03_L1TP_052025_19780805_20200907_02_T2.tar", "MSS"),
        ("LT08_L1GT_193024_20180824_20200831_02_T2", "thermal bands of Landsat-8 alone"),
        ("LT80200392015216LGN00", "thermal bands"),
        ("LC08_L2SP_193024_20180824_20200831_02_T1.tar", "Level-2 product"),
        ("LC081930242018082401T1-SC20190101120000.tar.gz", "surface reflectance already"),
        ("S2A_MSIL2A_20180629T000241_N0206_R030_T56JMM_20180629T012042.SAFE", "Level-2A"),
        ("S2A_OPER_PRD_MSIL1B_PDMC_20160112T232100_R111_V20160112T160202_20160112T160202.SAFE", "Level-1B"),
        ("LC08_L1TP_193024_20181324_20200831_02_T1", "no date"),
        ("LC80200392015400LGN00", "no day of a year"),
        ("LE05_L1TP_193024_19900824_20200831_02_T1", "no Landsat sensor"),
        ("cube", "no name of a Level-1 image"),
        ("LC08_L1TP_193024_20180824_20200831_02_T1_B4.TIF", "no name of a Level-1 image"),
    ],
)
def test_refusals_say_why(name: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        identify(Path(name))


def test_a_folder_of_another_name_is_known_by_what_it_holds(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(InvalidInput, match="no name"):
        identify(folder)
    (folder / f"{LANDSAT}_MTL.txt").touch()
    (folder / f"{LANDSAT}_MTL.json").touch()
    assert identify(folder).id == LANDSAT
    (folder / "LC80200392015216LGN00_MTL.txt").touch()
    with pytest.raises(InvalidInput, match="2 Landsat scenes"):
        identify(folder)
    safe = tmp_path / "other"
    safe.mkdir()
    (safe / "MTD_MSIL1C.xml").write_text(f"<x><PRODUCT_URI>{SAFE}.SAFE</PRODUCT_URI></x>")
    assert identify(safe).id == SAFE
    assert identify(safe / "GRANULE" / "L1C_T56JMM_A015757_20180629T000241").id == SAFE


def test_every_real_folder_is_known(shared_data: Path) -> None:
    landsat = {entry.name: identify(entry) for entry in (shared_data / "ard/landsat").iterdir() if entry.is_dir()}
    assert landsat["LC80200392015216LGN00_clip"].id == "LC80200392015216LGN00"
    assert landsat["LC08_L1TP_195025_20130707_clip"].id == "LC08_L1TP_195025_20130707_20170503_01_T1"
    assert landsat["LE07_L1TP_195025_20010730_clip"].sensor == "LND07"
    safes = [identify(entry) for entry in (shared_data / "ard/meta/sentinel2_l1c").glob("*.SAFE")]
    assert {one.reference for one in safes} == {"T56JMM", "T53JQJ", "T48LWP", "T46RER"}


def test_stems_and_archives() -> None:
    assert product_stem(date(2018, 8, 24), "LND08") == "20180824_LEVEL2_LND08"
    assert is_archive(Path(f"{LANDSAT}.tar.gz"))
    assert not is_archive(Path(f"{SAFE}.SAFE"))


def test_planning_imports_no_numpy() -> None:
    code = "import sys, levelworks.ard.names; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
