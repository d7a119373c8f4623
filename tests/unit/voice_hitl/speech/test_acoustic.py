from __future__ import annotations

from pathlib import Path

import numpy as np

from voice_hitl.speech import acoustic


def test_filters_cover_the_telephone_band() -> None:
    weights = acoustic.filters(129, 31.25)
    assert weights.shape == (acoustic.BANDS, 129)
    assert (weights >= 0).all()
    assert (weights.sum(axis=1) > 0).all()
    peaks = weights.argmax(axis=1) * 31.25
    assert (np.diff(peaks) > 0).all()
    assert peaks[-1] < 4000


def test_full_bands_would_give_the_cepstra_back() -> None:
    bands = acoustic.bands_of_cepstra()
    order = np.arange(acoustic.CEPSTRA)
    lifted = 1 + acoustic.LIFTER / 2 * np.sin(np.pi * order / acoustic.LIFTER)
    # Unlifted, the first cepstrum is the sum of the bands over the root of their number.
    assert np.allclose(bands[:, 0] * lifted[0], 1 / np.sqrt(acoustic.WIDE_BANDS))


def test_the_estimate_of_slow_cepstra_is_close_and_never_larger_than_life() -> None:
    through = acoustic.load_estimator() @ acoustic.bands_of_cepstra()
    assert 0.9 < through[0, 0] <= 1.05
    gains = np.linalg.norm(through, axis=1)
    assert (gains > 0.3).all()
    assert (gains < 1.6).all()


def test_the_written_model_is_the_models_own_through_the_estimate(tmp_path: Path) -> None:
    acoustic.write_model(tmp_path)
    means = acoustic.Gaussians(acoustic.model_directory() / "means").values
    written = acoustic.Gaussians(tmp_path / "means").values
    variances = acoustic.Gaussians(tmp_path / "variances").values
    through = acoustic.load_estimator() @ acoustic.bands_of_cepstra()
    assert written.shape == means.shape
    assert np.allclose(written[3, 1, 7], through @ means[3, 1, 7], atol=1e-3)
    assert (variances > 0).all()
    assert "-cmn none" in (tmp_path / "features").read_text()
