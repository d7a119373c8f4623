"""The embedded recognizer: pocketsphinx with a language model made from a pack's own words.

Everything here is synchronous and meant to run inside a worker process::

    engine = SphinxEngine(source, cache=path)   # a second the first time, then from the cache
    decoder = engine.decoder()                  # one utterance at a time; reuse it
    decoder.start(expectation, speaker)         # speaker: what is known of the caller's voice
    partial = decoder.feed(pcm)                 # int16 mono 8 kHz, any length
    hypothesis = decoder.finish()
    speaker = decoder.speaker                   # give it to the same caller's next utterance

The same samples in the same blocks give the same words: nothing is random, and a decoder takes
nothing over from one utterance to the next but what its caller passes in `speaker`.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from voice_hitl.language import Expectation, Hypothesis, LanguageSource, Word
from voice_hitl.speech import acoustic, lexicon, lm
from voice_hitl.speech.frontend import FrontEnd, MeanVoice

Pcm = NDArray[np.int16]

FRAMES_A_SECOND = 100
# pocketsphinx keeps 12 frames, and its lookahead of 5 loses what more than a few push out.
_FRAMES_AT_ONCE = 2
_FORMAT = "1"  # of what the cache keeps; raise it when anything written there changes
_MODEL, _WORDS, _LANGUAGE = "acoustic", "words.dict", "words.arpa"


@dataclass(frozen=True, slots=True)
class Speaker:
    """What an utterance taught about the caller's voice and line; small and picklable."""

    mean: tuple[float, ...] = ()  # log mel energies
    frames: float = 0.0  # of speech that the mean stands on


class SphinxEngine:
    """The models of one pack, shared by all decoders of a process.

    `cache` is a folder that keeps what is built, keyed by the words; any number of processes may
    use one at the same time. Without it a temporary folder lives as long as the engine.
    """

    def __init__(self, source: LanguageSource, cache: Path | None = None) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if cache is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="voice-hitl-sphinx-")
            cache = Path(self._temporary.name)
        self._directory = _built(source, cache)
        self._estimate = acoustic.load_estimator()

    def decoder(self) -> SphinxDecoder:
        """Return a new decoder."""
        return SphinxDecoder(self._directory, self._estimate)


class SphinxDecoder:
    """One decoder: one utterance at a time, any number one after another."""

    def __init__(self, directory: Path, estimate: acoustic.Matrix) -> None:
        model = directory / _MODEL
        self._decoder = pocketsphinx.Decoder(
            hmm=str(acoustic.model_directory()),
            mean=str(model / "means"),
            var=str(model / "variances"),
            featparams=str(model / "features"),
            lm=str(directory / _LANGUAGE),
            dict=str(directory / _WORDS),
            loglevel="ERROR",
            # The second, flat pass costs most of the time after the caller's last word and changes
            # nothing that can be measured; the best path through the lattice is what counts.
            fwdflat=False,
            bestpath=True,
            **_options(),
        )
        self._estimate = estimate
        self._front = FrontEnd(estimate, MeanVoice())
        self._started = False
        self._partial = ""
        self._speaker = Speaker()

    @property
    def speaker(self) -> Speaker:
        """What is known of the caller since the last `finish`."""
        return self._speaker

    def start(
        self, expectation: Expectation = Expectation(), speaker: Speaker | None = None
    ) -> None:
        """Start an utterance; an unfinished one is thrown away."""
        self.cancel()
        self._speaker = speaker or Speaker()
        voice = MeanVoice(self._speaker.mean, self._speaker.frames)
        self._front = FrontEnd(self._estimate, voice)
        self._decoder.start_utt()
        self._started = True
        self._partial = ""

    def feed(self, pcm: Pcm) -> str | None:
        """Take the next samples; return the text so far if it has changed."""
        if not self._search(self._front.feed(pcm)):
            return None
        found = self._decoder.hyp()
        text = "" if found is None else _plain(found.hypstr)
        if text == self._partial:
            return None
        self._partial = text
        return text

    def finish(self) -> Hypothesis:
        """Return the final hypothesis of the utterance."""
        self._search(self._front.flush())
        self._decoder.end_utt()
        self._started = False
        voice = self._front.voice
        if voice.frames:
            self._speaker = Speaker(tuple(voice.mean().tolist()), voice.weight())
        words = tuple(
            Word(
                s.word.partition("(")[0],
                s.start_frame / FRAMES_A_SECOND,
                (s.end_frame + 1) / FRAMES_A_SECOND,
                1.0,
            )
            for s in self._decoder.seg() or ()
            if s.word[0] not in "<["
        )
        return Hypothesis(" ".join(w.text for w in words), 1.0, words, (), final=True)

    def cancel(self) -> None:
        """Throw the running utterance away, if there is one."""
        if self._started:
            self._decoder.end_utt()
            self._started = False

    def _search(self, cepstra: NDArray[np.float32]) -> bool:
        for at in range(0, len(cepstra), _FRAMES_AT_ONCE):
            block = cepstra[at : at + _FRAMES_AT_ONCE].tobytes()
            self._decoder.process_cep(block, no_search=False, full_utt=False)
        return len(cepstra) > 0


def _options() -> dict[str, object]:
    return {}


def _plain(text: str) -> str:
    return " ".join(word.partition("(")[0] for word in text.split() if word[0] not in "<[")


def _built(source: LanguageSource, cache: Path) -> Path:
    """Return the folder of the models of `source`, built if it is not there yet."""
    key = hashlib.sha256(_FORMAT.encode())
    key.update(repr((source.sentences, sorted(source.classes.items()))).encode())
    key.update(repr((acoustic.RESIDUAL, lm.GENERAL_SHARE, pocketsphinx.__file__)).encode())
    folder = cache / key.hexdigest()[:24]
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as name:
        made = Path(name) / "made"
        (made / _MODEL).mkdir(parents=True)
        acoustic.write_model(made / _MODEL)
        model = lm.build(source)
        (made / _WORDS).write_text(lexicon.lexicon(model.vocabulary), encoding="utf-8")
        (made / _LANGUAGE).write_text(model.arpa(), encoding="utf-8")
        try:
            made.rename(folder)  # all or nothing
        except OSError:
            if not folder.is_dir():  # another process was not faster: the disk refused
                raise
    return folder
