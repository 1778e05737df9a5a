"""The main job on the real EXCAM frame, as the README says it: the peer's numbers in the peer's files."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from astropy.io import fits

from workflow import BIN, environment


@pytest.mark.long
def test_real_frame_through_the_workflow(project, shared_data, tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("Snakefile", "rules", "config", "profiles"):
        (folder / name).symlink_to(project / name)
    (tmp_path / "shared").symlink_to(shared_data.parent)
    words = ["snakemake", "coronagraph", "--profile", "profiles/local"]
    words += ["--configfile", "config/test/coronagraph-real.yaml"]
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    peer = folder / "results/coronagraph/peer-view"
    level2a = fits.getdata(peer / "example_L1_input_L2a_image.fits", 1)
    assert level2a.astype(np.float64).sum() == 418415137.13925505
    assert fits.getdata(peer / "example_L1_input_L2a_bpmap.fits", 1).sum() == 491
    level2b = fits.getdata(peer / "example_L1_input_L2b_image.fits", 1)
    assert level2b.astype(np.float64).sum() == pytest.approx(3995854733.77, abs=5e-3)
    assert level2b[500, 500] == 2765.557819202543
    mean = fits.getdata(peer / "CGI_EXCAM_L1_FFT_mean_comb_image.fits", 1)
    masked = fits.getdata(peer / "CGI_EXCAM_L1_FFT_mean_comb_bmap.fits", 1) == 1
    assert np.array_equal(mean, np.where(masked, 0, level2b))
    assert (peer / "CGI_EXCAM_L1_FFT/mean_comb_bpmap.fits").resolve().name == "CGI_EXCAM_L1_FFT_mean_comb_bmap.fits"
    header = fits.getheader(peer / "example_L1_input_L2b_image.fits", 1)
    assert header["NONLIN_PATH"] == "nonlin_array_20231104.txt"
    assert header["F_NOISE_PATH"] == "fpn_20240322.fits"
    record = json.loads((folder / "results/coronagraph/calibrate-frame/example_L1_input_L2b.fits.json").read_text())
    assert any("94.3 % of the pixels are multiplied" in warning for warning in record["warnings"])
    for picture in ("calibrate-frame/example_L1_input_L2b", "combine/CGI_EXCAM_L1_FFT_median"):
        assert (folder / f"results/coronagraph/plot/{picture}.png").stat().st_size > 50_000
