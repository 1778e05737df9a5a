"""Archives of images: what is unpacked, what is refused before anything is written."""

from __future__ import annotations

import io
import shutil
import stat
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from levelworks.ard.readers.archives import unpack
from levelworks.core.outcome import InvalidInput, TransientError

SCENE = "LC08_L1TP_193024_20180824_20200831_02_T1"
SAFE = "S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042"
NOISE = np.random.default_rng(5).bytes(40_000)


def make_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tgz", ".zip"])
def test_a_scene_is_unpacked_without_what_nothing_reads(tmp_path: Path, ending: str) -> None:
    members = {f"{SCENE}_MTL.txt": b"GROUP", f"{SCENE}_B4.TIF": NOISE, f"{SCENE}_QA_PIXEL.TIF": b"qa"}
    skipped = [f"{SCENE}_{end}" for end in ("B8.TIF", "B11.TIF", "GCP.txt", "VER.jpg", "VER.txt", "BQA.TIF")]
    skipped += ["gap_mask/x_GM_B1.TIF", "x.GTF"]
    make = make_zip if ending == ".zip" else make_tar
    archive = make(tmp_path / f"{SCENE}{ending}", members | dict.fromkeys(skipped, NOISE))
    folder = unpack(archive, tmp_path / "work")
    assert folder == tmp_path / "work" / SCENE
    assert files_of(folder) == members


def test_the_second_thermal_and_the_panchromatic_band_of_etm_are_left_out(tmp_path: Path) -> None:
    name = "LE07_L1TP_195025_20010730_20170204_01_T1"
    members = {f"{name}_{end}": NOISE for end in ("MTL.txt", "B6_VCID_1.TIF", "B6_VCID_2.TIF", "B8.TIF", "B7.TIF")}
    folder = unpack(make_tar(tmp_path / f"{name}.tar", members), tmp_path)
    assert sorted(files_of(folder)) == [f"{name}_{end}" for end in ("B6_VCID_1.TIF", "B7.TIF", "MTL.txt")]


@pytest.mark.parametrize("inside", [f"{SAFE}.SAFE", f"{SAFE}.SAFE.SAFE"])
def test_a_safe_keeps_its_folder_and_a_doubled_ending_is_collapsed(tmp_path: Path, inside: str) -> None:
    members = {f"{inside}/MTD_MSIL1C.xml": b"<x/>", f"{inside}/GRANULE/a/IMG_DATA/b_B02.jp2": NOISE}
    archive = make_zip(tmp_path / f"{SAFE}.SAFE.zip", members)
    folder = unpack(archive, tmp_path / "work")
    assert folder == tmp_path / "work" / SAFE / f"{SAFE}.SAFE"
    assert (folder / "GRANULE/a/IMG_DATA/b_B02.jp2").read_bytes() == NOISE


def test_unpacking_again_gives_the_same(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / f"{SCENE}.tar.gz", {f"{SCENE}_MTL.txt": b"1", f"{SCENE}_B1.TIF": NOISE})
    first = files_of(unpack(archive, tmp_path / "work"))
    (tmp_path / "work" / SCENE / "left_over.TIF").touch()
    assert files_of(unpack(archive, tmp_path / "work")) == first


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\\..\\..\\evil", "C:\\evil", ".."])
@pytest.mark.parametrize("make", [make_tar, make_zip])
def test_names_that_lead_out_are_refused_before_anything_is_written(tmp_path: Path, name: str, make) -> None:
    ending = ".zip" if make is make_zip else ".tar"
    archive = make(tmp_path / f"{SCENE}{ending}", {f"{SCENE}_MTL.txt": b"1", name: b"bad"})
    with pytest.raises(InvalidInput, match="leads out"):
        unpack(archive, tmp_path / "work")
    assert not (tmp_path / "work").exists()
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    archive = tmp_path / f"{SCENE}.tar"
    with tarfile.open(archive, "w") as file:
        info = tarfile.TarInfo(f"{SCENE}_B1.TIF")
        info.type, info.linkname = kind, "/etc/passwd"
        file.addfile(info)
    with pytest.raises(InvalidInput, match="link or a device"):
        unpack(archive, tmp_path / "work")


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / f"{SAFE}.zip"
    with zipfile.ZipFile(archive, "w") as file:
        info = zipfile.ZipInfo(f"{SAFE}.SAFE/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(InvalidInput, match="link or a device"):
        unpack(archive, tmp_path / "work")


@pytest.mark.parametrize("ending", [".tar.gz", ".zip"])
def test_bombs_are_refused_before_anything_is_written(tmp_path: Path, ending: str) -> None:
    make = make_zip if ending == ".zip" else make_tar
    archive = make(tmp_path / f"{SCENE}{ending}", {f"{SCENE}_MTL.txt": b"1", f"{SCENE}_B1.TIF": bytes(4_000_000)})
    with pytest.raises(InvalidInput, match="200 times"):
        unpack(archive, tmp_path / "work")
    with pytest.raises(InvalidInput, match="more than 1000000 bytes"):
        unpack(archive, tmp_path / "work", max_ratio=1e9, max_bytes=1_000_000)
    assert not (tmp_path / "work").exists()
    assert unpack(archive, tmp_path / "work", max_ratio=1e9).is_dir()


def test_a_full_disk_is_a_matter_of_trying_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_tar(tmp_path / f"{SCENE}.tar", {f"{SCENE}_MTL.txt": b"1", f"{SCENE}_B1.TIF": NOISE})
    usage = shutil.disk_usage(tmp_path)._replace(free=30_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(TransientError, match="make room"):
        unpack(archive, tmp_path / "work")


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".zip"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.7])
def test_truncated_archives_are_refused_and_leave_nothing(tmp_path: Path, ending: str, kept: float) -> None:
    make = make_zip if ending == ".zip" else make_tar
    archive = make(tmp_path / f"{SCENE}{ending}", {f"{SCENE}_MTL.txt": b"1", f"{SCENE}_B1.TIF": NOISE})
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InvalidInput, match=SCENE):
        unpack(archive, tmp_path / "work")
    assert not (tmp_path / "work" / SCENE).exists()


def test_a_damaged_member_is_refused(tmp_path: Path) -> None:
    archive = make_zip(tmp_path / f"{SCENE}.zip", {f"{SCENE}_MTL.txt": b"1", f"{SCENE}_B1.TIF": NOISE})
    content = bytearray(archive.read_bytes())
    content[20_000] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(InvalidInput, match="truncated or no archive"):
        unpack(archive, tmp_path / "work")


def test_archives_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no Landsat scene"):
        unpack(make_tar(tmp_path / f"{SCENE}.tar", {"readme.txt": b"1"}), tmp_path / "work")
    with pytest.raises(InvalidInput, match="twice"):
        unpack(make_tar_twice(tmp_path / f"{SCENE}.tar"), tmp_path / "work")
    with pytest.raises(InvalidInput, match="does not exist"):
        unpack(tmp_path / "none.tar", tmp_path / "work")
    with pytest.raises(InvalidInput, match="no archive"):
        unpack(tmp_path / "scene.rar", tmp_path / "work")


def make_tar_twice(path: Path) -> Path:
    with tarfile.open(path, "w") as file:
        for content in (b"1", b"2"):
            info = tarfile.TarInfo(f"{SCENE}_MTL.txt")
            info.size = 1
            file.addfile(info, io.BytesIO(content))
    return path
