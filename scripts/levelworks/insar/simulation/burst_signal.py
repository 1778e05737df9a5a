"""The signal of one burst of a simulated pass, from the scatterers of its ground (specs/insar.md 8).

Scatterers are white noise on the radar grid of the first pass, reaching beyond the burst. Seen by another pass they
take the phase of its range, of the air, and of the ground's motion; what the processor of the agency does to a
spectrum is done to them there; and the result is interpolated to where the other pass has its pixels. Spectra thus
shift with baseline and Doppler as real ones do, and what decorrelates them is real.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from levelworks.insar.geometry.carrier import Carrier
from levelworks.insar.safe.annotation import SpectralWindow
from levelworks.insar.safe.burst import Burst
from levelworks.insar.simulation.signal_kernels import interpolate, spread

MARGIN_LINES, MARGIN_SAMPLES = 48, 112
"""By which scatterers reach beyond the burst."""
LINE_TAPS, SAMPLE_TAPS = 12, 32
FRACTIONS = 256
BETA = 6.0
"""Of Kaiser's window on the taps: errors below 1e-3 at these bandwidths."""
AMPLITUDE = 100.0
"""DN (rms) of ground of amplitude one."""


@dataclass(frozen=True)
class Canvas:
    """The radar grid of the first pass around a burst: lines and samples of the burst at its first pixel, and size."""

    first_line: int
    first_sample: int
    shape: tuple[int, int]
    steps: tuple[int, int]

    @property
    def coarse_lines(self) -> np.ndarray:
        """Return the burst's lines at which fields are computed."""
        count = -(-self.shape[0] // self.steps[0]) + 1
        return self.first_line + self.steps[0] * np.arange(count, dtype=np.float64)

    @property
    def coarse_samples(self) -> np.ndarray:
        """Return the burst's samples at which fields are computed."""
        count = -(-self.shape[1] // self.steps[1]) + 1
        return self.first_sample + self.steps[1] * np.arange(count, dtype=np.float64)

    def fill(self, coarse: np.ndarray) -> np.ndarray:
        """Return a field at every pixel, float64."""
        result = np.empty(self.shape)
        spread(np.ascontiguousarray(coarse, np.float64), self.steps, result)
        return result


def canvas(burst: Burst, steps: tuple[int, int]) -> Canvas:
    """Return the grid of scatterers of a burst, of a size that transforms are fast for."""
    shape = (
        scipy.fft.next_fast_len(burst.lines + 2 * MARGIN_LINES),
        scipy.fft.next_fast_len(burst.samples + 2 * MARGIN_SAMPLES),
    )
    return Canvas(-MARGIN_LINES, -MARGIN_SAMPLES, shape, steps)


def white_noise(shape: tuple[int, int], seed: list[int]) -> np.ndarray:
    """Return complex white noise of unit power, complex64."""
    values = np.random.default_rng(seed).standard_normal((shape[0], 2 * shape[1]), np.float32)
    return values.view(np.complex64) * np.float32(np.sqrt(0.5))


def add_point(signal: np.ndarray, grid: Canvas, line: float, sample: float, amplitude: float) -> None:
    """Add a point to scatterers, in place, at a line and a sample of the burst, whole or not, unless it is outside."""
    y, x = line - grid.first_line, sample - grid.first_sample
    if not (LINE_TAPS < y < signal.shape[0] - LINE_TAPS and SAMPLE_TAPS < x < signal.shape[1] - SAMPLE_TAPS):
        return
    weights = []
    for place, taps in ((y, LINE_TAPS), (x, SAMPLE_TAPS)):
        table, fraction = windowed_sines(taps), (place - np.floor(place)) * FRACTIONS
        k = int(fraction)
        weights.append(table[k] + (fraction - k) * (table[k + 1] - table[k]))
    first, second = int(y) - LINE_TAPS // 2 + 1, int(x) - SAMPLE_TAPS // 2 + 1
    part = signal[first : first + LINE_TAPS, second : second + SAMPLE_TAPS]
    part += (amplitude * np.outer(*weights)).astype(np.complex64)


def shape_spectrum(signal: np.ndarray, burst: Burst) -> np.ndarray:
    """Limit a signal (complex64) to the processed bands of a burst, with its windows and white noise's power kept."""
    rows = _response(signal.shape[0], 1 / burst.azimuth_time_interval, burst.azimuth_window)
    columns = _response(signal.shape[1], burst.range_sampling_rate, burst.range_window)
    spectrum = scipy.fft.fft2(signal, overwrite_x=True)
    spectrum *= rows[:, None] * columns
    return np.asarray(scipy.fft.ifft2(spectrum, overwrite_x=True))


def sample_signal(
    signal: np.ndarray,
    grid: Canvas,
    lines: np.ndarray,
    samples: np.ndarray,
    carrier: Carrier,
    shift: float,
    moved: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Return the pixels of a burst (complex64) of the scatterers' signal.

    Parameters
    ----------
    signal : ndarray, shape of the canvas, complex64
        At baseband.
    lines, samples : ndarray, shape (lines, samples), float64
        Where, in the first pass's burst, the ground of each pixel lies.
    carrier : Carrier
        Of the pass.
    shift : float
        Lines by which the whole image, carrier included, lies later than geometry says.
    moved : tuple of ndarray, shape of ``lines``, float64, optional
        Lines and samples by which ground that has moved lies later and farther besides.
    """
    pixels = np.empty(lines.shape, np.complex64)
    tables = windowed_sines(LINE_TAPS), windowed_sines(SAMPLE_TAPS)
    if moved is not None:
        rows, columns = lines - shift - moved[0] - grid.first_line, samples - moved[1] - grid.first_sample
        interpolate(signal, rows, columns, tables[0], tables[1], pixels)
        row, column = np.indices(lines.shape)
        cycles = carrier.cycles(row - shift - moved[0], column - moved[1])
        pixels *= np.exp(2j * np.pi * cycles).astype(np.complex64)
        return pixels * np.float32(AMPLITUDE)
    interpolate(signal, lines - shift - grid.first_line, samples - grid.first_sample, *tables, pixels)
    turned = Carrier(carrier.tables, carrier.middle + shift, carrier.interval, carrier.steering)
    turned.restore(pixels)
    return pixels * np.float32(AMPLITUDE)


def _response(size: int, rate: float, window: SpectralWindow) -> np.ndarray:
    """Return the response at the frequencies of a transform, of unit mean power."""
    frequency = np.fft.fftfreq(size, 1 / rate)
    inside = np.abs(frequency) <= window.bandwidth / 2
    taper = window.coefficient + (1 - window.coefficient) * np.cos(2 * np.pi * frequency / window.bandwidth)
    response = np.where(inside, taper, 0.0)
    return (response / np.sqrt(np.mean(response**2))).astype(np.float32)


def windowed_sines(count: int) -> np.ndarray:
    """Return windowed sines of fractions of a sample, (fractions + 1, taps) float32."""
    fraction = np.linspace(0.0, 1.0, FRACTIONS + 1)[:, None]
    place = np.arange(count)[None, :] - (count // 2 - 1) - fraction
    inside = np.clip(1 - (place / (count / 2)) ** 2, 0.0, None)
    weights = np.sinc(place) * np.i0(BETA * np.sqrt(inside)) / np.i0(BETA)
    return weights.astype(np.float32)
