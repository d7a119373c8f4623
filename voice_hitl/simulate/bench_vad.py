"""Measures when speech is found: real speech with noise mixed in, through the detector of a call.

Truth is read from the clean recordings: where their loudness stands clear of the floor. Then noise is mixed
in at several ratios and the same moments are looked for. `scripts/bench/vad`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from voice_hitl.audio import g711
from voice_hitl.audio.detector import SpeechDetector
from voice_hitl.audio.endpoint import SpeechEvent, SpeechPaused, SpeechStarted
from voice_hitl.audio.g711 import FRAME, FRAME_SECONDS, RATE, Pcm
from voice_hitl.audio.vad import SileroVad, VadBank
from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.wav import read_wav

TICK_PHASE = FRAME_SECONDS / 2  # a frame waits half a tick, on average, for the inference
TURN_OVER = 0.8  # seconds of silence after which the bench closes a turn
LEAD_IN, LEAD_OUT = 0.6, 1.2  # seconds of idle line put around each recording
_IDLE = 3.0  # rms of the idle line
_HOP = 80  # samples: 10 ms, the grain of the truth
# dB under the loudest: the power of speech sounds spans 28 dB from the strongest vowel to the weakest
# consonant (H. Fletcher, Speech and Hearing in Communication, 1953, chapter 4); what is softer is breath.
_WEAKEST = 30.0
_GAP = 15  # hops that may be quiet within speech
_SHORTEST = 12  # loud hops that make speech

Levels = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """An event and the moment at which it was known, both in audio seconds."""

    event: SpeechEvent
    known: float


@dataclass(slots=True)
class Score:
    """What was found in one condition. Times in milliseconds: median, 95th percentile.

    `start`: onset to the moment it is known; `onset`: error of the onset that is told;
    `pause`: end of speech to the moment it is known; `end`: error of the end that is told.
    """

    condition: str
    utterances: int
    missed: int
    false_a_minute: float
    judged_share: float
    start: tuple[float, float] | None = None
    onset: tuple[float, float] | None = None
    pause: tuple[float, float] | None = None
    end: tuple[float, float] | None = None


def truth(pcm: Pcm) -> list[tuple[float, float]]:
    """Where a clean recording holds speech: (start, end) in seconds, turns apart by a second or more."""
    hops = len(pcm) // _HOP
    if not hops:
        return []
    power = np.mean(pcm[: hops * _HOP].astype(np.float64).reshape(hops, _HOP) ** 2, axis=1)
    level: Levels = 10 * np.log10(power + 1.0)
    floor, loud = np.percentile(level, 10), np.percentile(level, 95)
    active = level > max(floor + 6.0, loud - _WEAKEST)
    where = np.flatnonzero(active)
    if not where.size:
        return []
    turns: list[tuple[float, float]] = []
    for group in np.split(where, np.flatnonzero(np.diff(where) > _GAP) + 1):
        if len(group) < _SHORTEST or level[group].max() < loud - 15.0:
            continue
        first = next((hop for hop in group if active[hop : hop + 5].sum() >= 3), group[0])
        last = next((hop for hop in group[::-1] if active[hop - 4 : hop + 1].sum() >= 3), group[-1])
        start, end = first * _HOP / RATE, (last + 1) * _HOP / RATE
        if turns and start - turns[-1][1] < 1.0:
            turns[-1] = turns[-1][0], end
        else:
            turns.append((start, end))
    return turns


def detect(pcms: Iterable[Pcm], model: SileroVad) -> tuple[list[list[Found]], float]:
    """Run every recording through a detector of its own, all together in real time's order.

    Returns what was found in each, and the share of audio that passed the gate to the model.
    """
    bank = VadBank(model)
    sounds = [pcm.tobytes() for pcm in pcms]
    found: list[list[Found]] = [[] for _ in sounds]
    pauses: list[float | None] = [None for _ in sounds]
    now = 0.0

    def listener(index: int) -> SpeechDetector:
        def on_event(event: SpeechEvent) -> None:
            found[index].append(Found(event, now + TICK_PHASE))
            pauses[index] = now if isinstance(event, SpeechPaused) else None

        return SpeechDetector(bank, on_event, _raise)

    detectors = [listener(index) for index in range(len(sounds))]
    frames = 0
    for number in range(max((len(sound) for sound in sounds), default=0) // (2 * FRAME)):
        now = (number + 1) * FRAME_SECONDS
        at = number * 2 * FRAME
        for index, sound in enumerate(sounds):
            if at + 2 * FRAME > len(sound):
                continue
            frames += 1
            detectors[index].frame(sound[at : at + 2 * FRAME])
            paused = pauses[index]
            if paused is not None and now - paused > TURN_OVER:
                pauses[index] = None
                detectors[index].close_turn()
        while bank.ready:
            bank.infer()
    return found, bank.windows * 256 / max(1, frames * FRAME)


def _raise(error: Exception) -> None:
    raise error


def score(
    condition: str,
    found: list[list[Found]],
    turns: list[list[tuple[float, float]]],
    seconds: float,
    share: float,
) -> Score:
    """Compare what was found with the truth."""
    start, onset, pause, end = [], [], [], []
    missed = hits = starts_in_all = 0
    for events, true in zip(found, turns, strict=True):
        starts = [each for each in events if isinstance(each.event, SpeechStarted)]
        pauses = [each for each in events if isinstance(each.event, SpeechPaused)]
        starts_in_all += len(starts)
        for begun, ended in true:
            mine = [each for each in starts if begun - 0.15 <= each.known <= ended + 0.3]
            hits += len(mine)
            if not mine:
                missed += 1
                continue
            start.append(mine[0].known - begun)
            onset.append(mine[0].event.at - begun)
            last = [each for each in pauses if ended - 0.25 <= each.known <= ended + 1.0]
            if last:
                pause.append(last[-1].known - ended)
                end.append(last[-1].event.at - ended)
    return Score(
        condition,
        utterances=sum(len(true) for true in turns),
        missed=missed,
        false_a_minute=round((starts_in_all - hits) / (seconds / 60), 2),
        judged_share=round(share, 3),
        start=_times(start),
        onset=_times(onset),
        pause=_times(pause),
        end=_times(end),
    )


def _times(values: list[float]) -> tuple[float, float] | None:
    if not values:
        return None
    middle, high = np.quantile(values, [0.5, 0.95])
    return round(float(middle) * 1000), round(float(high) * 1000)


def loudness(pcm: Pcm) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)))


def mixed(
    pcm: Pcm, turns: list[tuple[float, float]], noise: Pcm, snr_db: float, offset: int
) -> Pcm:
    """The recording with looped noise, `snr_db` under the loudness of its speech."""
    speech = np.concatenate([pcm[int(a * RATE) : int(b * RATE)] for a, b in turns])
    gain = loudness(speech) / loudness(noise) / 10 ** (snr_db / 20)
    looped = np.resize(np.roll(noise, -offset), len(pcm))
    return np.clip(pcm + gain * looped, -32768, 32767).astype(np.int16)


def clicks(seconds: float, rng: np.random.Generator) -> Pcm:
    """An idle line with loud bursts of 1, 5, 20 and 40 ms, one every 0.7 s."""
    line = rng.normal(0.0, _IDLE, int(seconds * RATE))
    for number in range(int(seconds / 0.7) - 1):
        at, length = int((0.5 + 0.7 * number) * RATE), (8, 40, 160, 320)[number % 4]
        line[at : at + length] += rng.normal(0.0, 8000.0, length)
    return np.clip(line, -32768, 32767).astype(np.int16)


def measure(speech: Path, noise: Path, ratios: list[float]) -> list[Score]:
    """All conditions; raises `ScenarioError` where there are no recordings."""
    files = sorted(speech.glob("*.wav"))
    if not files:
        raise ScenarioError(f"no WAV file in {speech}")
    rng = np.random.default_rng(0)
    model = SileroVad()
    clean, turns = [], []
    for file in files:
        pcm = g711.decode(read_wav(file))
        around = [
            rng.normal(0.0, _IDLE, int(s * RATE)).astype(np.int16) for s in (LEAD_IN, LEAD_OUT)
        ]
        shifted = [(start + LEAD_IN, end + LEAD_IN) for start, end in truth(pcm)]
        if shifted:
            clean.append(np.concatenate([around[0], pcm, around[1]]))
            turns.append(shifted)
    noises = {file.stem: g711.decode(read_wav(file)) for file in sorted(noise.glob("*.wav"))}
    seconds = sum(len(pcm) for pcm in clean) / RATE
    scores = [score("clean", *_with(detect(clean, model), turns, seconds))]
    for name, sound in noises.items():
        for ratio in ratios:
            noisy = [
                mixed(pcm, true, sound, ratio, int(rng.integers(len(sound))))
                for pcm, true in zip(clean, turns, strict=True)
            ]
            scores.append(
                score(f"{name}, {ratio:g} dB", *_with(detect(noisy, model), turns, seconds))
            )
    minute = 60 * RATE
    alone: dict[str, list[Pcm]] = {"clicks alone": [clicks(60, rng)]}
    alone["white noise alone"] = [
        rng.normal(0.0, level, minute).astype(np.int16) for level in (30.0, 100.0, 400.0, 1600.0)
    ]
    for name, sound in noises.items():
        alone[f"{name} alone"] = [
            np.clip(np.resize(sound, minute) * (level / loudness(sound)), -32768, 32767).astype(
                np.int16
            )
            for level in (100.0, 400.0, 1600.0)
        ]
    for name, sounds in alone.items():
        length = sum(len(sound) for sound in sounds) / RATE
        empty: list[list[tuple[float, float]]] = [[] for _ in sounds]
        scores.append(score(name, *_with(detect(sounds, model), empty, length)))
    return scores


def _with(
    detected: tuple[list[list[Found]], float],
    turns: list[list[tuple[float, float]]],
    seconds: float,
) -> tuple[list[list[Found]], list[list[tuple[float, float]]], float, float]:
    found, share = detected
    return found, turns, seconds, share


def show(console: Console, scores: list[Score]) -> None:
    """The table."""
    table = Table(title="Speech detection (ms: median / 95th percentile)")
    table.add_column("condition", no_wrap=True)
    for column in ("missed", "false/min", "judged", "start", "onset", "pause", "end"):
        table.add_column(column, justify="right")
    for each in scores:
        times = [
            "" if pair is None else f"{pair[0]:.0f} / {pair[1]:.0f}"
            for pair in (each.start, each.onset, each.pause, each.end)
        ]
        missed = f"{each.missed} of {each.utterances}" if each.utterances else ""
        table.add_row(
            each.condition, missed, f"{each.false_a_minute:g}", f"{each.judged_share:.0%}", *times
        )
    console.print(table)


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 1 when there is nothing to measure with."""
    data = Path(os.environ.get("VOICE_HITL_DATA", "../shared/data"))
    parser = argparse.ArgumentParser(
        prog="scripts/bench/vad",
        description="Measure how fast and how surely speech is found, clean and in noise.",
        epilog="example: scripts/bench/vad --snr 5 10 15 --report vad.json",
    )
    parser.add_argument("--speech", type=Path, default=data / "barista" / "wav")
    parser.add_argument("--noise", type=Path, default=data / "noise")
    parser.add_argument("--snr", type=float, nargs="+", default=[5.0, 10.0, 15.0], help="dB")
    parser.add_argument("--report", type=Path, help="write the figures as JSON")
    args = parser.parse_args(arguments)
    console = Console()
    try:
        scores = measure(args.speech, args.noise, args.snr)
    except ScenarioError as error:
        console.print(f"[red]{error}[/]")
        return 1
    show(console, scores)
    if args.report:
        args.report.write_text(json.dumps([asdict(each) for each in scores], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
