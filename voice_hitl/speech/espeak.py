"""The embedded voice: espeak-ng, by its C interface, inside a worker process.

The library is GPL and an optional extra (``voice-hitl[espeak]``); `spec` says so when it is missing.
Constants are those of espeak-ng's public header ``speak_lib.h``.
"""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from voice_hitl.audio import g711
from voice_hitl.errors import ConfigError, SynthesisError
from voice_hitl.speech.spoken import spoken
from voice_hitl.speech.voice import VoiceSettings
from voice_hitl.speech.workers.process import EngineSpec
from voice_hitl.speech.workers.tasks import SpeechEngine

# Of 27 English variants one of those that a recognizer, trained on people, understands best over a
# telephone: 7 % word error on 40 sentences of a small domain; the plain voice has 11 %.
BEST_VOICE = "en-us+benjamin"
CHUNK = 1600  # mu-law bytes: 200 ms

_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS: espeak_Synth calls back and returns when all is said
_BUFFER = 200  # milliseconds of audio a callback
_UTF8 = 1  # espeakCHARS_UTF8
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER
_DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report a missing data folder, do not exit

# espeak's own words a minute count pauses and longer words: asked for 100 to 180 it says 1.26 times as
# many (seven sentences of a bank's agent, silence trimmed). It goes no slower than 80 of its own.
_RATE_SCALE = 1.26
_SLOWEST = 80

_BLOCK = 80  # samples: 10 ms, the grain of trimming and level
_AUDIBLE = 10 ** (-40 / 20)  # of the sentence's loudest block
_LEAD = 2  # quiet blocks kept before the first audible one
_TAIL = 5  # and after the last
_KNEE = 0.6  # of full scale; louder peaks are bent, not cut
_MAX_GAIN = 8.0

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def available() -> bool:
    """Tell whether the embedded voice is installed, without loading it."""
    return importlib.util.find_spec("espeakng_loader") is not None


def spec(settings: VoiceSettings) -> EngineSpec:
    """Return what a worker needs to speak; raise `ConfigError` if the voice is not installed."""
    if not available():
        raise ConfigError(
            "the embedded voice is not installed: "
            'pip install "voice-hitl[espeak]" (espeak-ng is under the GPL, hence the extra)'
        )
    return EngineSpec("voice_hitl.speech.espeak:load", settings.as_options())


def load(options: Mapping[str, Any]) -> SpeechEngine:
    """Load the voice in this process; raise `ConfigError`."""
    return SpeechEngine(EspeakVoice(VoiceSettings(**options)))


class EspeakVoice:
    """The one voice of this process (the library keeps global state)."""

    def __init__(self, settings: VoiceSettings) -> None:
        import espeakng_loader

        data = Path(espeakng_loader.get_data_path())
        try:
            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise ConfigError(f"espeak-ng cannot be loaded: {error}") from error
        self._settings = settings
        self._rate = self._library.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER, str(data).encode(), _DONT_EXIT
        )
        if self._rate <= 0:
            raise ConfigError(f"espeak-ng found no data in {data}")
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)
        self._choose(settings.voice or BEST_VOICE, data)
        for parameter, value in (
            (_RATE, max(_SLOWEST, round(settings.rate / _RATE_SCALE))),
            (_PITCH, settings.pitch),
            (_RANGE, settings.pitch_range),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._pieces: list[NDArray[np.int16]] = []

    def speak(self, text: str) -> Iterator[bytes]:
        """Yield the sentence as mu-law 8 kHz, in chunks of `CHUNK` bytes; raise `SynthesisError`."""
        clip = self.render(text)
        for at in range(0, len(clip), CHUNK):
            yield clip[at : at + CHUNK]

    def render(self, text: str) -> bytes:
        """Return the sentence as mu-law 8 kHz; empty when there is nothing audible to say."""
        if self._english:
            text = spoken(text)
        if not any(character.isalnum() for character in text):
            return b""  # espeak would say "exclamation mark"
        raw = text.replace("\0", " ").encode(errors="replace") + b"\0"
        self._pieces.clear()
        failed = self._library.espeak_Synth(
            ctypes.c_char_p(raw), ctypes.c_size_t(len(raw)), 0, 1, 0, _UTF8, None, None
        )
        if failed:
            raise SynthesisError(f"espeak-ng could not speak (error {failed})")
        if not self._pieces:
            return b""
        samples = np.concatenate(self._pieces).astype(np.float32) / 32768
        sound = level(trim(soxr.resample(samples, self._rate, g711.RATE)), self._settings.level)
        if len(sound) == 0:
            return b""
        pcm = np.round(sound * 32767).astype(np.int16)
        return g711.encode(pcm) + g711.silence(round(self._settings.pause * g711.RATE))

    def _choose(self, voice: str, data: Path) -> None:
        language, _, variant = voice.partition("+")
        if variant and not (data / "voices" / "!v" / variant).is_file():
            raise ConfigError(f"voice {voice!r}: espeak-ng has no variant {variant!r}")
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise ConfigError(f"voice {voice!r}: espeak-ng has no voice {language!r}")
        self._english = language.startswith("en")

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples and count > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0  # go on


def trim(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sound without the silence around it, but for 20 ms before and 50 ms after."""
    loud = _blocks(sound)
    if len(loud) == 0 or loud.max() == 0:
        return sound[:0]
    audible = np.flatnonzero(loud >= loud.max() * _AUDIBLE)
    start = max(0, int(audible[0]) - _LEAD) * _BLOCK
    return sound[start : (int(audible[-1]) + 1 + _TAIL) * _BLOCK]


def level(sound: NDArray[np.float32], dbfs: float) -> NDArray[np.float32]:
    """Return the sound with its speech, pauses not counted, at `dbfs` RMS and peaks bent below 1."""
    loud = _blocks(sound)
    if len(loud) == 0 or loud.max() == 0:
        return sound
    speech = loud[loud >= loud.max() * 0.1]
    gain = min(10 ** (dbfs / 20) / float(np.sqrt(np.mean(speech**2))), _MAX_GAIN)
    louder = sound * np.float32(gain)
    size = np.abs(louder)
    bent = _KNEE + (1 - _KNEE) * np.tanh((size - _KNEE) / (1 - _KNEE))
    return np.where(size > _KNEE, np.sign(louder) * bent, louder).astype(np.float32)


def _blocks(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the RMS of each 10 ms; the last block may be shorter."""
    padded = np.zeros(-(-len(sound) // _BLOCK) * _BLOCK)
    padded[: len(sound)] = sound
    power: NDArray[np.float64] = np.mean(padded.reshape(-1, _BLOCK) ** 2, axis=1)
    return np.sqrt(power)
