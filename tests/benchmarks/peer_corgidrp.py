"""corgidrp on the same frames, for comparison; runs in an environment of its own that has it (pip install corgidrp).

``python peer_corgidrp.py FOLDER``: the folder of the benchmark, with frames, references and master dark. Prints JSON:
CPU milliseconds a frame from reading Level 1 to a saved Level 2b, with and without desmearing.
"""

import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ["HOME"] = tempfile.mkdtemp()  # corgidrp writes its configuration there when it is imported
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402
from astropy.io import fits  # noqa: E402
from corgidrp import data, l1_to_l2a, l2a_to_l2b  # noqa: E402


def calibration(kind, values, like, **more):
    """Return a calibration of corgidrp with the headers of a frame."""
    frame = like.frames[0]
    return kind(values, pri_hdr=frame.pri_hdr.copy(), ext_hdr=frame.ext_hdr.copy(), input_dataset=like, **more)


def main(folder: Path) -> None:
    """Process every frame of the folder alone, as a campaign would, and print the medians."""
    paths = [str(path) for path in sorted(folder.glob("cgi_*_l1_.fits"))]
    like = data.Dataset(paths[:1])
    like.frames[0].filename = like.frames[0].filename.replace("_l1_", "_drk_")
    table = np.genfromtxt(folder / "references" / "nonlinearity.csv", delimiter=",")
    nonlinearity = calibration(data.NonLinearityCalibration, table, like)
    k_gain = calibration(data.KGain, np.array([like.frames[0].ext_hdr["KGAINPAR"]]), like)
    k_gain._kgain_error = 0.0  # an array otherwise, which its own header step refuses
    with fits.open(folder / "dark.fits") as units:
        values = units["DARK"].data.astype(np.float64)
    none = np.zeros(values.shape)
    dark = calibration(data.Dark, values, like, err=none[np.newaxis], dq=none.astype(int), err_hdr=fits.Header())
    flat = calibration(data.FlatField, fits.getdata(folder / "references" / "flat.fits").astype(float), like)
    detector = data.DetectorParams({})
    times = {"plain": [], "desmear": []}
    for path in paths:
        for name, measured in times.items():
            start = time.process_time()
            frame = l1_to_l2a.prescan_biassub(data.Dataset([path]))
            frame = l1_to_l2a.detect_cosmic_rays(frame, detector)
            frame = l1_to_l2a.correct_nonlinearity(frame, nonlinearity)
            frame = l2a_to_l2b.convert_to_electrons(frame, k_gain)
            frame = l2a_to_l2b.em_gain_division(frame)
            frame = l2a_to_l2b.dark_subtraction(frame, dark=dark)
            if name == "desmear":
                frame = l2a_to_l2b.desmear(frame, detector)
            frame = l2a_to_l2b.flat_division(frame, flat)
            with tempfile.TemporaryDirectory() as target:
                frame.save(target)
                measured.append(1e3 * (time.process_time() - start))
    print(json.dumps({name: float(np.median(values)) for name, values in times.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
