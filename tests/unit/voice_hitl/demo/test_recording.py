import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pocketsphinx
import pytest

from voice_hitl.demo import studio
from voice_hitl.demo.recording import (
    SHIPPED,
    Take,
    Voices,
    VoiceSetting,
    load_voices,
    read_scenarios,
    record,
    render,
    takes,
)
from voice_hitl.errors import ScenarioError
from voice_hitl.simulate.clips import load_clip
from voice_hitl.simulate.loading import load_scenarios

SCENARIOS = load_scenarios([SHIPPED])
VOICES = load_voices(SHIPPED)
TAKES = takes(SCENARIOS, VOICES)
NOISES = sorted({s.noise.wav for s in SCENARIOS if s.noise is not None})
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


def header(path: Path) -> tuple[int, int, int, int]:
    """Format tag, channels, rate, bits."""
    content = path.read_bytes()
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", content, 20)
    return tag, channels, rate, bits


# --- the shipped recordings ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [take.name for take in TAKES] + NOISES)
def test_every_recording_is_mu_law_at_8_khz(name: str) -> None:
    assert header(SHIPPED / name) == (7, 1, 8000, 8)


@pytest.mark.parametrize("take", TAKES, ids=lambda take: take.name)
def test_a_recording_lasts_as_long_as_its_text_takes(take: Take) -> None:
    clip = load_clip(SHIPPED / take.name)
    spoken = clip.speech_end - clip.speech_start
    # The line's noise alone must not pass for speech: every latency counts from the end of speech.
    assert clip.speech_start >= 0.2
    assert clip.seconds - clip.speech_end >= 0.15
    letters = len(take.text.replace(" ", ""))
    # flite's voices say 10 to 22 letters a second at stretches of 0.8 to 1.15.
    assert letters / 24 <= spoken <= 0.3 + letters / 8


@pytest.mark.parametrize("take", TAKES, ids=lambda take: take.name)
def test_a_recording_sounds_like_a_telephone(take: Take) -> None:
    clip = load_clip(SHIPPED / take.name)
    samples = np.concatenate([np.frombuffer(frame, np.uint8) for frame in clip.frames])
    pcm = decode(samples.tobytes())
    assert studio.level(pcm) == pytest.approx(take.voice.level, abs=1.5)
    spectrum = np.abs(np.fft.rfft(pcm)) ** 2
    hertz = np.fft.rfftfreq(pcm.size, 1 / 8000)
    outside = spectrum[(hertz < 200) | (hertz > 3700)].sum() / spectrum.sum()
    assert outside < 0.05
    # Not clinically clean: the line hisses before the first word.
    hiss = 10 * np.log10((pcm[400:1600] ** 2).mean())
    assert hiss == pytest.approx(take.voice.level - take.voice.snr, abs=3)


def decode(mulaw: bytes) -> studio.Samples:
    import audioop

    return np.frombuffer(audioop.ulaw2lin(mulaw, 2), np.int16).astype(np.float64) / 32768


def test_no_recording_lies_about_unused_and_all_are_small() -> None:
    used = {take.name for take in TAKES} | set(NOISES)
    lying = {path.name for path in SHIPPED.glob("*.wav")}
    assert lying == used
    assert sum((SHIPPED / name).stat().st_size for name in used) < 4_000_000


def test_texts_are_what_a_recognizer_writes() -> None:
    for take in TAKES:
        assert re.fullmatch(r"[a-z']+( [a-z']+)*", take.text), take


def test_every_word_can_be_in_the_recognizer_s_dictionary() -> None:
    path = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    known = {line.split(maxsplit=1)[0] for line in path.read_text().splitlines() if line}
    said = {word for s in SCENARIOS for saying in s.sayings() for word in saying.text.split()}
    assert said <= known


def test_the_callers_speak_with_varied_voices() -> None:
    voices = [VOICES.callers[scenario.name] for scenario in SCENARIOS]
    assert {voice.voice for voice in voices} == {"rms", "awb", "slt", "kal16"}
    assert len({(v.voice, v.stretch, v.shift, v.level) for v in voices}) >= 15


def test_there_is_a_caller_of_every_kind() -> None:
    assert len(SCENARIOS) >= 12
    outcomes = [scenario.expect.outcome for scenario in SCENARIOS]
    assert outcomes.count("automated") >= 5
    assert outcomes.count("handed_off") >= 5
    assert outcomes.count("abandoned") >= 2


@needs_flite
def test_the_recipe_makes_the_same_bytes_again(tmp_path: Path) -> None:
    take = next(take for take in TAKES if take.name == "transfer_3.wav")
    assert render(take) == render(take)


# --- the recipe ---------------------------------------------------------------------------------


def folder(tmp_path: Path, steps: str, voices: str = '[callers]\ntest = { voice = "rms" }') -> Path:
    (tmp_path / "test.yaml").write_text(
        f"name: test\nsteps:\n{steps}\nexpect: {{outcome: automated}}\n"
    )
    (tmp_path / "voices.toml").write_text(voices)
    return tmp_path


def planned(path: Path) -> list[Take]:
    return takes(read_scenarios(path), load_voices(path))


def test_text_and_voice_come_from_the_files(tmp_path: Path) -> None:
    made = planned(folder(tmp_path, '  - {say: a.wav, text: "yes please"}'))
    assert made == [Take("a.wav", "yes please", VoiceSetting(voice="rms"))]


def test_one_recording_cannot_say_two_things(tmp_path: Path) -> None:
    steps = '  - {say: a.wav, text: "yes"}\n  - {say: a.wav, text: "no"}'
    with pytest.raises(ScenarioError, match="two texts"):
        planned(folder(tmp_path, steps))


def test_a_caller_without_a_voice_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, '  - {say: a.wav, text: "yes"}', '[callers]\nother = { voice = "rms" }')
    with pytest.raises(ScenarioError, match="no voice for test"):
        planned(path)


def test_words_nobody_can_tell_come_from_the_voices_file(tmp_path: Path) -> None:
    steps = '  - {say: a.wav, text: ""}'
    with pytest.raises(ScenarioError, match=r"a\.wav has no text"):
        planned(folder(tmp_path, steps))
    voices = '[callers]\ntest = { voice = "awb" }\n[unclear]\n"a.wav" = "mumble mumble"'
    assert planned(folder(tmp_path, steps, voices))[0].text == "mumble mumble"


def test_a_misspelt_setting_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path, "  - {wait: 1}", '[callers]\ntest = { voice = "rms", strech = 1.0 }')
    with pytest.raises(ScenarioError, match=r"voices\.toml: callers\.test\.strech"):
        load_voices(path)


def test_a_scenario_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path, "  - {wait: 1}")
    with pytest.raises(ScenarioError, match="no scenario other"):
        list(record(path, ["other"]))


def test_noise_must_be_described(tmp_path: Path) -> None:
    path = folder(tmp_path, "  - {wait: 1}\nnoise: {wav: hum.wav, snr_db: 10}")
    with pytest.raises(ScenarioError, match=r"how hum\.wav sounds"):
        list(record(path))


def test_voices_of_one_speaker_need_no_more_than_a_name() -> None:
    made = Voices.model_validate({"callers": {"a": {"voice": "slt"}}})
    assert made.callers["a"] == VoiceSetting(voice="slt")
