"""The bundled wideband acoustic model, made fit for the telephone band.

pocketsphinx's model expects 13 cepstra of 25 mel bands up to 6.8 kHz; 8 kHz speech has 20 of them.
The model itself says how the bands belong together: its Gaussians give a covariance S of the
cepstra, and R, the inverse cosine transform, says what each band is for given cepstra. For bands
m = R c + e with e of variance s2 (what 13 cepstra leave out of a band), the linear estimate of
least error is c = B m, B = S R' (R S R' + s2 I)^-1 (Wiener's). Seen through B, a Gaussian (u, V)
becomes (B R u, diag(B R V (B R)' + s2 B B')), and that is what `write_model` writes: estimate and
model agree, so nothing about the missing bands is pretended to be known.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

CEPSTRA = 13
WIDE_BANDS = 25
BANDS = 20  # those whose centre is under 4 kHz
LOWEST, HIGHEST = 130.0, 6800.0  # Hz, of the wide bands (the model's feat.params)
LIFTER = 22
# Variance of a band's log energy that 13 cepstra do not explain; flat between 0.1 and 0.3.
RESIDUAL = 0.15
_VARIANCE_FLOOR = 1e-4
_END = b"endhdr\n"
_ORDER = 0x11223344
_SOURCE = ("means", "variances")

FEATURE_PARAMETERS = """\
-lowerf 130
-upperf 6800
-nfilt 25
-transform dct
-lifter 22
-feat 1s_c_d_dd
-svspec 0-12/13-25/26-38
-agc none
-cmn none
-varnorm no
-model ptm
-remove_noise no
"""


def model_directory() -> Path:
    """Return the folder of the model in pocketsphinx's wheel."""
    return Path(pocketsphinx.get_model_path("en-us/en-us"))


def edges() -> Matrix:
    """Return the 27 corner frequencies of the wide bands, Hz."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (LOWEST, HIGHEST))
    mel = np.linspace(low, high, WIDE_BANDS + 2)
    return np.asarray(700 * (10 ** (mel / 2595) - 1), np.float64)


def filters(bins: int, spacing: float) -> Matrix:
    """Return (BANDS, bins) triangles of unit area over spectrum bins `spacing` Hz apart."""
    corners = np.round(edges() / spacing) * spacing
    at = np.arange(bins) * spacing
    low, centre, high = (corners[i : i + BANDS, None] for i in range(3))
    rising, falling = (at - low) / (centre - low), (high - at) / (high - centre)
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None) * 2 / (high - low), np.float64)


def bands_of_cepstra() -> Matrix:
    """Return R, (BANDS, CEPSTRA): log energies of the telephone's bands for given cepstra."""
    order, band = np.arange(CEPSTRA), np.arange(BANDS)[:, None]
    cosines = np.cos(np.pi * order * (band + 0.5) / WIDE_BANDS) * np.sqrt(2 / WIDE_BANDS)
    cosines[:, 0] *= np.sqrt(0.5)
    lifted = 1 + LIFTER / 2 * np.sin(np.pi * order / LIFTER)
    return np.asarray(cosines / lifted, np.float64)


class Gaussians:
    """One of the model's parameter files: (codebooks, streams, densities, CEPSTRA) values."""

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes()
        start = raw.index(_END) + len(_END)
        if int.from_bytes(raw[start : start + 4], "little") != _ORDER:
            raise ValueError(f"{path}: not in this machine's byte order")
        codebooks, streams, densities = np.frombuffer(raw, "<i4", 3, start + 4)
        body = start + 4 * (1 + 3 + int(streams) + 1)
        shape = (int(codebooks), int(streams), int(densities), CEPSTRA)
        # Without a checksum line in its head, a file needs no checksum at its end.
        self._head = raw[:body].replace(b"chksum0 yes\n", b"")
        self.values = np.frombuffer(raw, "<f4", int(np.prod(shape)), body).reshape(shape)

    def write(self, path: Path, values: Matrix) -> None:
        """Write `values` in this file's place, with its head."""
        path.write_bytes(self._head + values.astype("<f4").tobytes())


def estimator(means: Matrix, variances: Matrix) -> Matrix:
    """Return B, (CEPSTRA, BANDS), from the static stream's Gaussians."""
    centres = means[:, 0].reshape(-1, CEPSTRA).astype(np.float64)
    spread = np.cov(centres.T) + np.diag(variances[:, 0].reshape(-1, CEPSTRA).mean(0))
    bands = bands_of_cepstra()
    seen = bands @ spread @ bands.T + RESIDUAL * np.eye(BANDS)
    return np.asarray(np.linalg.solve(seen, bands @ spread).T, np.float64)


def load_estimator() -> Matrix:
    """Return B of the bundled model."""
    means, variances = (Gaussians(model_directory() / name) for name in _SOURCE)
    return estimator(means.values, np.maximum(variances.values, _VARIANCE_FLOOR))


def write_model(folder: Path) -> None:
    """Write the model's `means` and `variances` as the telephone band shows them, and `features`."""
    means, variances = (Gaussians(model_directory() / name) for name in _SOURCE)
    spread = np.maximum(variances.values, _VARIANCE_FLOOR).astype(np.float64)
    found = estimator(means.values, spread)
    through = found @ bands_of_cepstra()
    noise = RESIDUAL * np.sum(found**2, axis=1)
    means.write(folder / "means", means.values @ through.T)
    variances.write(folder / "variances", spread @ (through**2).T + noise)
    (folder / "features").write_text(FEATURE_PARAMETERS)
