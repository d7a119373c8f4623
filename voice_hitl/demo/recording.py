"""Records the callers and operators of a pack's scenarios with the voices of Debian's `flite`.

What is said is read from the scenarios themselves, how it sounds from `voices.toml` beside them, so that
text and sound cannot drift apart. The same versions of flite and of this file make the same bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import tomllib
import wave
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console

from voice_hitl.demo import studio
from voice_hitl.errors import ScenarioError, VoiceHitlError
from voice_hitl.simulate.scenario import Scenario
from voice_hitl.simulate.wav import write_mono

VOICES_FILE = "voices.toml"
SHIPPED = Path(__file__).parent.parent / "packs" / "banking" / "scenarios"
LEAD, TRAIL = 0.25, 0.3  # seconds of the line before and after the words


class Part(BaseModel):
    """Base of the parts of `voices.toml`: frozen and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class VoiceSetting(Part):
    """One speaker on one telephone."""

    voice: Literal["rms", "awb", "slt", "kal16"]
    stretch: float = Field(default=1.0, ge=0.6, le=1.6)  # duration; above 1 is slower
    shift: float = Field(default=1.0, ge=0.85, le=1.15)  # vocal tract; above 1 is a smaller person
    level: float = Field(default=-20.0, ge=-36, le=-12)  # dBFS of the speech
    room: float = Field(default=18.0, ge=3, le=40)  # dB between direct sound and reverberation
    snr: float = Field(default=36.0, ge=20, le=60)  # dB between speech and the line's own noise
    mumbles: bool = False  # hardly opens the mouth


class Murmur(Part):
    """Background voices: several speakers at once, in a loop of `seconds`."""

    seconds: float = Field(gt=0.5, le=30)
    level: float = Field(default=-26.0, ge=-50, le=-12)
    speakers: list[VoiceSetting] = Field(min_length=1)
    texts: list[str] = Field(min_length=1)


class Hiss(Part):
    """Background noise without voices, in a loop of `seconds`."""

    seconds: float = Field(gt=0.5, le=30)
    level: float = Field(default=-40.0, ge=-70, le=-12)


class Voices(Part):
    """`voices.toml`: who speaks in which scenario."""

    callers: dict[str, VoiceSetting]
    operators: dict[str, VoiceSetting] = {}
    murmurs: dict[str, Murmur] = {}
    hisses: dict[str, Hiss] = {}
    unclear: dict[str, str] = {}  # recording -> words, where the scenario gives no text


@dataclass(frozen=True, slots=True)
class Take:
    """One recording to make."""

    name: str
    text: str
    voice: VoiceSetting


def load_voices(folder: Path) -> Voices:
    """Read `voices.toml`; raises `ScenarioError` with file, field and what is wrong."""
    path = folder / VOICES_FILE
    try:
        return Voices.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path}: not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(f"{path}: {where}: {first['msg']}") from error


def read_scenarios(folder: Path) -> list[Scenario]:
    """All scenarios of a folder, whether or not their recordings exist yet; raises `ScenarioError`."""
    found = []
    for path in sorted(folder.glob("*.yaml")):
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        try:
            found.append(Scenario.model_validate({**values, "source": path}))
        except ValidationError as error:
            raise ScenarioError(f"{path}: {error}") from error
    if not found:
        raise ScenarioError(f"{folder}: holds no scenario (*.yaml)")
    return found


def takes(scenarios: list[Scenario], voices: Voices) -> list[Take]:
    """Every recording that the scenarios name, once; raises `ScenarioError` for contradictions."""
    found: dict[str, Take] = {}
    for scenario in scenarios:
        for take in _of_scenario(scenario, voices):
            if not take.text:
                raise ScenarioError(
                    f"{scenario.source}: {take.name} has no text; "
                    f"give its words in {VOICES_FILE} under [unclear]"
                )
            if found.setdefault(take.name, take).text != take.text:
                raise ScenarioError(f"{scenario.source}: {take.name} is used with two texts")
    return list(found.values())


def _of_scenario(scenario: Scenario, voices: Voices) -> Iterator[Take]:
    for saying in scenario.sayings():
        voice = _voice(voices.callers, scenario)
        yield Take(saying.say, saying.text or voices.unclear.get(saying.say, ""), voice)
    operator = scenario.operator
    if operator is not None and operator.say is not None:
        yield Take(operator.say, operator.text, _voice(voices.operators, scenario))


def _voice(table: Mapping[str, VoiceSetting], scenario: Scenario) -> VoiceSetting:
    voice = table.get(scenario.name) or table.get("default")
    if voice is None:
        raise ScenarioError(f"{scenario.source}: {VOICES_FILE} has no voice for {scenario.name}")
    return voice


def render(take: Take) -> bytes:
    """One recording as mu-law; raises `ScenarioError` when flite is missing or fails."""
    seed = zlib.crc32(f"{take.name} {take.text}".encode())
    speech = _spoken(take.text, take.voice)
    lead, trail = (np.zeros(round(seconds * studio.RATE)) for seconds in (LEAD, TRAIL))
    roomy = studio.in_room(np.concatenate([lead, speech, trail]), take.voice.room, seed)
    clear = studio.at_level(studio.telephone_band(roomy), take.voice.level)
    noisy = clear + studio.line_noise(clear.size, take.voice.level - take.voice.snr, seed + 1)
    return studio.to_mulaw(studio.faded(noisy))


def render_murmur(murmur: Murmur) -> bytes:
    """Background voices as mu-law."""
    size = round((murmur.seconds + 1.0) * studio.RATE)
    total = np.zeros(size)
    for number, speaker in enumerate(murmur.speakers):
        # Every speaker begins somewhere else in the same texts.
        said = [
            _spoken(murmur.texts[(number + n) % len(murmur.texts)], speaker)
            for n in range(len(murmur.texts))
        ]
        voice = studio.in_room(np.concatenate(said), speaker.room, number)
        total += np.resize(studio.at_level(voice, speaker.level), size)
    looped = studio.loop(studio.telephone_band(total), murmur.seconds)
    return studio.to_mulaw(studio.at_level(looped, murmur.level))


def render_hiss(hiss: Hiss, name: str) -> bytes:
    """Background noise as mu-law."""
    size = round((hiss.seconds + 1.0) * studio.RATE)
    noise = studio.line_noise(size, hiss.level, zlib.crc32(name.encode()))
    return studio.to_mulaw(studio.loop(noise, hiss.seconds))


def _spoken(text: str, voice: VoiceSetting) -> studio.Samples:
    wide, rate = _flite(text, voice.voice, voice.stretch * voice.shift)
    speech = studio.to_telephone_rate(wide, rate, voice.shift)
    return studio.muffled(speech) if voice.mumbles else speech


def _flite(text: str, voice: str, stretch: float) -> tuple[np.ndarray, int]:
    """Synthesize; returns 16-bit samples and their rate."""
    program = shutil.which("flite")
    if program is None:
        raise ScenarioError("flite is not installed: apt-get install flite")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        command = [program, "-voice", voice, "--setf", f"duration_stretch={stretch:.4f}"]
        ran = subprocess.run(
            [*command, "-t", text, "-o", str(file)], check=False, capture_output=True
        )
        if ran.returncode != 0 or not file.exists():
            raise ScenarioError(f"flite failed on {text!r}: {ran.stderr.decode().strip()}")
        with wave.open(str(file), "rb") as recorded:
            frames = recorded.readframes(recorded.getnframes())
            return np.frombuffer(frames, np.int16), recorded.getframerate()


def record(folder: Path, only: list[str] | None = None) -> Iterator[tuple[Path, bytes]]:
    """Render every recording of a folder's scenarios, or those of some; yields path and mu-law."""
    voices = load_voices(folder)
    scenarios = read_scenarios(folder)
    unknown = sorted(set(only or ()) - {scenario.name for scenario in scenarios})
    if unknown:
        raise ScenarioError(f"{folder}: there is no scenario {unknown[0]}")
    wanted = [scenario for scenario in scenarios if not only or scenario.name in only]
    for take in takes(wanted, voices):
        yield folder / take.name, render(take)
    noises = {scenario.noise.wav for scenario in wanted if scenario.noise is not None}
    for name in sorted(noises):
        if name in voices.murmurs:
            yield folder / name, render_murmur(voices.murmurs[name])
        elif name in voices.hisses:
            yield folder / name, render_hiss(voices.hisses[name], name)
        else:
            raise ScenarioError(f"{folder / VOICES_FILE}: does not say how {name} sounds")


def main(
    folder: Annotated[Path, typer.Argument(help="folder of scenarios")] = SHIPPED,
    scenario: Annotated[
        list[str] | None, typer.Option(help="record only this one; repeatable")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="write nothing; say what differs")] = False,
) -> None:
    """Record what a pack's scenarios say.

    Example: scripts/record-scenarios --scenario balance
    """
    console = Console()
    different = total = 0
    try:
        for path, mulaw in record(folder, scenario):
            with tempfile.TemporaryDirectory() as beside:
                fresh = Path(beside) / path.name
                write_mono(fresh, mulaw)
                content = fresh.read_bytes()
            total += len(content)
            changed = not path.exists() or path.read_bytes() != content
            different += changed
            if changed and not check:
                path.write_bytes(content)
            if changed:
                console.print(f"{'differs' if check else 'wrote'}  {path.name}", markup=False)
    except (VoiceHitlError, OSError) as error:
        Console(stderr=True).print(f"record-scenarios: {error}", style="red", markup=False)
        raise typer.Exit(1) from error
    console.print(f"{total / 1e6:.2f} MB in all, {different} changed")
    if check and different:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
