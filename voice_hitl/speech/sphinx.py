"""The embedded recognizer: pocketsphinx with a language model made from a pack's own words.

Everything here is synchronous and meant to run inside a worker process::

    engine = SphinxEngine(source, cache=path)   # seconds the first time, then from the cache
    decoder = engine.decoder()                  # one utterance at a time; reuse it
    decoder.start(expectation, speaker)         # speaker: what is known of the caller's voice
    partial = decoder.feed(pcm)                 # int16 mono 8 kHz, any length
    hypothesis = decoder.finish()
    speaker = decoder.speaker                   # give it to the same caller's next utterance
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx
import soxr
from numpy.typing import NDArray

from voice_hitl.language import Expectation, Hypothesis, LanguageSource, Word

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Speaker:
    """What an utterance taught about the caller's voice and line; small and picklable."""

    cepstral_mean: str = ""


class SphinxEngine:
    """The models of one pack, shared by all decoders of a process."""

    def __init__(self, source: LanguageSource, cache: Path | None = None) -> None:
        self._directory = cache or Path(tempfile.mkdtemp(prefix="voice-hitl-sphinx-"))
        self._directory.mkdir(parents=True, exist_ok=True)
        sentences = [sentence.lower().split() for sentence in source.sentences]
        general = {word: sound for word, sound in _read_dictionary().items()}
        words = sorted({w for s in sentences for w in s if w in general})
        known = set(words)
        lines = [f"{word} {sound}" for word in words for sound in [general[word]]]
        (self._directory / "words.dict").write_text("\n".join(lines) + "\n")
        bigrams = [[w for w in s if w in known] for s in sentences]
        (self._directory / "model.arpa").write_text(_bigram_arpa(bigrams))

    def decoder(self) -> SphinxDecoder:
        """Return a new decoder."""
        return SphinxDecoder(self._directory)


class SphinxDecoder:
    """One decoder: one utterance at a time, any number one after another."""

    def __init__(self, directory: Path) -> None:
        self._decoder = pocketsphinx.Decoder(
            lm=str(directory / "model.arpa"), dict=str(directory / "words.dict"), loglevel="ERROR"
        )
        self._started = False
        self._partial = ""

    @property
    def speaker(self) -> Speaker:
        """What was learnt of the caller up to the last `finish`."""
        return Speaker(self._decoder.get_cmn(False))

    def start(
        self, expectation: Expectation = Expectation(), speaker: Speaker | None = None
    ) -> None:
        """Start an utterance; an unfinished one is thrown away."""
        self.cancel()
        if speaker is not None and speaker.cepstral_mean:
            self._decoder.set_cmn(speaker.cepstral_mean)
        self._resampler = soxr.ResampleStream(8000, 16000, 1, dtype="int16")
        self._decoder.start_utt()
        self._started = True
        self._partial = ""

    def feed(self, pcm: Pcm) -> str | None:
        """Take the next samples; return the text so far if it has changed."""
        self._process(self._resampler.resample_chunk(pcm))
        found = self._decoder.hyp()
        text = found.hypstr if found is not None else ""
        if text == self._partial:
            return None
        self._partial = text
        return text

    def finish(self) -> Hypothesis:
        """Return the final hypothesis of the utterance."""
        self._process(self._resampler.resample_chunk(np.zeros(0, np.int16), last=True))
        self._decoder.end_utt()
        self._started = False
        words = tuple(
            Word(s.word.partition("(")[0], s.start_frame / 100, (s.end_frame + 1) / 100, 1.0)
            for s in self._decoder.seg()
            if s.word[0] not in "<["
        )
        return Hypothesis(" ".join(w.text for w in words), 1.0, words, (), final=True)

    def cancel(self) -> None:
        """Throw the running utterance away, if there is one."""
        if self._started:
            self._decoder.end_utt()
            self._started = False

    def _process(self, wide: NDArray[np.int16]) -> None:
        if len(wide):
            self._decoder.process_raw(wide.tobytes(), no_search=False, full_utt=False)


def _read_dictionary() -> dict[str, str]:
    text = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text()
    pairs = (line.partition(" ") for line in text.splitlines())
    return {word: sound.strip() for word, _, sound in pairs}


def _bigram_arpa(sentences: list[list[str]]) -> str:
    padded = [["<s>", *s, "</s>"] for s in sentences if s]
    ones = Counter(w for s in padded for w in s)
    twos = Counter(pair for s in padded for pair in zip(s, s[1:], strict=False))
    total = sum(ones.values()) - ones["<s>"]
    lines = ["\\data\\", f"ngram 1={len(ones)}", f"ngram 2={len(twos)}", "", "\\1-grams:"]
    lines += [f"{math.log10(n / total):.4f} {w} {math.log10(0.5):.4f}" for w, n in ones.items()]
    lines += ["", "\\2-grams:"]
    lines += [f"{math.log10(0.5 * n / ones[a]):.4f} {a} {b}" for (a, b), n in twos.items()]
    return "\n".join([*lines, "", "\\end\\", ""])
