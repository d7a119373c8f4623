"""The embedded recognizer: pocketsphinx with a language model made from a pack's own words.

Everything here is synchronous and meant to run inside a worker process::

    engine = SphinxEngine(source, cache=path)   # a second the first time, then from the cache
    decoder = engine.decoder()                  # one utterance at a time; reuse it
    decoder.start(expectation, speaker)         # speaker: what is known of the caller's voice
    partial = decoder.feed(pcm)                 # int16 mono 8 kHz, any length
    hypothesis = decoder.finish()
    speaker = decoder.speaker                   # give it to the same caller's next utterance

The same samples in the same blocks give the same words: nothing is random, and a decoder takes
over from one utterance to the next only what its caller passes in `speaker` (pocketsphinx itself
leaves traces of the last utterance in the scores, in the seventh digit).
"""

from __future__ import annotations

import hashlib
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from voice_hitl.language import Expectation, Hypothesis, LanguageSource, Word
from voice_hitl.speech import acoustic, lexicon, lm, rescore
from voice_hitl.speech.confidence import Evidence, utterance_confidence, word_confidence
from voice_hitl.speech.frontend import FrontEnd, MeanVoice

Pcm = NDArray[np.int16]

FRAMES_A_SECOND = 100
_FORMAT = "1"  # of what the cache keeps; raise it when anything written there changes
_NBEST = 60  # readings looked at; many differ in fillers alone
_READINGS = 6  # kept
_HISTORIES = 10_000  # whose entropy is remembered
_SMALLEST = 1e-300  # the decoder gives plain probabilities, and they underflow
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
        sounds = directory / _MODEL
        self._decoder = pocketsphinx.Decoder(
            hmm=str(acoustic.model_directory()),
            mean=str(sounds / "means"),
            var=str(sounds / "variances"),
            featparams=str(sounds / "features"),
            lm=str(directory / _LANGUAGE),
            dict=str(directory / _WORDS),
            loglevel="FATAL",
            # The flat pass after the last word finds what the tree's approximate language model
            # lost; it costs some 50 ms and a lookahead's pruning costs it words (measured:
            # docs/recognition.md). A narrower window for its words' starts keeps it in the budget.
            fwdflat=True,
            fwdflatsfwin=15,
            pl_window=0,
            bestpath=True,
        )
        model = self._decoder.get_lm(self._decoder.current_search())
        words = (directory / _WORDS).read_text(encoding="utf-8").splitlines()
        vocabulary = [line.split(" ", 1)[0] for line in words if "(" not in line]
        self._costs = _Costs(model, self._decoder.logmath, (*vocabulary, lm.END))
        self._phrases: tuple[str, ...] = ()
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
        self._phrases = tuple(" ".join(lm.words_of(phrase)) for phrase in expectation.phrases)
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
        segments = list(self._segments())
        words = tuple(
            Word(text, start / FRAMES_A_SECOND, end / FRAMES_A_SECOND, word_confidence(evidence))
            for text, start, end, evidence in segments
        )
        heard = [word.text for word in words]
        ending = Evidence(lm.END, 1, 0.0, 0.0, *self._costs.of(heard, lm.END))
        sure = utterance_confidence([evidence for *_, evidence in segments], ending)
        return self._expected(Hypothesis(" ".join(heard), sure, words, (), final=True))

    def _segments(self) -> Iterator[tuple[str, int, int, Evidence]]:
        """Yield each word with its first frame, the frame after its last, and its evidence."""
        history: list[str] = []
        for segment in self._decoder.seg() or ():
            if segment.word[0] in "<[":
                continue
            text = segment.word.partition("(")[0]
            frames = max(1, segment.end_frame + 1 - segment.start_frame)
            sound = _nats(segment.ascore) / frames
            language, entropy = self._costs.of(history, text)
            evidence = Evidence(text, frames, sound, _nats(segment.prob), language, entropy)
            history.append(text)
            yield text, segment.start_frame, segment.start_frame + frames, evidence

    def _expected(self, best: Hypothesis) -> Hypothesis:
        """Return `best`, or an alternative nearly as good that the agent expects."""
        if not best.text:
            return best
        listed = (
            rescore.Reading(_plain(found.hypstr), -_nats(found.score))
            for found in islice(self._decoder.nbest() or (), _NBEST)
            if found is not None
        )
        readings = [r for r in rescore.distinct(listed, _READINGS) if r.text != best.text]
        top = readings[0].score if readings else 0.0
        readings.insert(0, rescore.Reading(best.text, top))
        chosen = rescore.choose(readings, self._phrases)
        others = tuple(r.text for r in readings if r is not readings[chosen])[: _READINGS - 1]
        if chosen == 0:
            return Hypothesis(best.text, best.confidence, best.words, others, final=True)
        text = readings[chosen].text
        return Hypothesis(text, best.confidence, _retold(best.words, text), others, final=True)

    def cancel(self) -> None:
        """Throw the running utterance away, if there is one."""
        if self._started:
            self._decoder.end_utt()
            self._started = False

    def _search(self, cepstra: NDArray[np.float32]) -> bool:
        if len(cepstra):
            self._decoder.process_cep(cepstra.tobytes(), no_search=False, full_utt=False)
        return len(cepstra) > 0


class _Costs:
    """What the language model says of words, in nats."""

    def __init__(
        self,
        model: pocketsphinx.NGramModel,
        logmath: pocketsphinx.LogMath,
        vocabulary: tuple[str, ...],
    ) -> None:
        self._model = model
        self._nats = -float(logmath.log_to_ln(1_000_000)) / 1_000_000
        self._vocabulary = vocabulary
        self._entropies: dict[tuple[str, ...], float] = {}

    def of(self, history: list[str], word: str) -> tuple[float, float]:
        """Return -ln P(word | history), and its mean over all words after that history."""
        context = tuple(reversed([lm.START, *history][1 - lm.ORDER :]))
        entropy = self._entropies.get(context)
        if entropy is None:
            if len(self._entropies) >= _HISTORIES:
                self._entropies.clear()
            logs = np.array([self._model.prob([w, *context]) for w in self._vocabulary])
            costs = logs * self._nats
            entropy = float(np.sum(np.exp(-costs) * costs))
            self._entropies[context] = entropy
        return max(0.0, self._model.prob([word, *context]) * self._nats), max(0.0, entropy)


def _nats(probability: float) -> float:
    """Return -ln of a probability, at least 0 (the decoder's can be a little over 1)."""
    return max(0.0, -math.log(max(probability, _SMALLEST)))


def _retold(words: tuple[Word, ...], text: str) -> tuple[Word, ...]:
    """Return the words of `text` with the times of `words`, where the two agree; else spread."""
    texts = text.split()
    if len(texts) == len(words):
        return tuple(
            Word(new, w.start, w.end, w.confidence) for new, w in zip(texts, words, strict=True)
        )
    start, end = words[0].start, words[-1].end
    step = (end - start) / len(texts)
    sure = min(word.confidence for word in words)
    return tuple(
        Word(new, start + i * step, start + (i + 1) * step, sure) for i, new in enumerate(texts)
    )


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
