from __future__ import annotations

import io
import json
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from voice_hitl.audio import g711
from voice_hitl.errors import ConfigError
from voice_hitl.language import LanguageSource
from voice_hitl.packs import __file__ as packs
from voice_hitl.speech import evaluation
from voice_hitl.speech.evaluation import Label, bootstrap, evaluate_recognition, word_errors

SCENARIOS = Path(packs).parent / "banking" / "scenarios"
SOURCE = LanguageSource(
    ("what is my balance", "where is my new {card}", "i want twenty dollars"),
    {"card": ("credit card", "debit card")},
)
words = st.lists(st.sampled_from(["a", "b", "c"]), max_size=6)


@given(words, words)
def test_word_errors_are_a_distance(one: list[str], other: list[str]) -> None:
    errors = word_errors(one, other)
    assert errors == word_errors(other, one)
    assert (errors == 0) == (one == other)
    assert abs(len(one) - len(other)) <= errors <= max(len(one), len(other))


def test_word_errors_count_each_kind() -> None:
    assert word_errors(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert word_errors(["a", "b"], []) == 2


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40))
def test_the_interval_holds_the_value(parts: list[float]) -> None:
    figure = bootstrap(parts)
    assert figure is not None
    assert 0 <= figure.low <= figure.value + 1e-9
    assert figure.value - 1e-9 <= figure.high <= 1
    assert figure == bootstrap(parts)


def test_nothing_counted_is_no_figure() -> None:
    assert bootstrap([]) is None
    assert bootstrap([0.0], [0.0]) is None


def test_a_recording_is_judged_by_slots_and_words(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    slots = {"card": " Credit card", "amount": "$20"}
    text = "Where is my new credit card?"
    labels.write_text(json.dumps({"angry_1.wav": {"slots": slots, "text": text, "x": 1}}))
    told: list[tuple[int, int]] = []
    report = evaluate_recognition(
        SCENARIOS, labels, SOURCE, progress=lambda *done: told.append(done)
    )
    (one,) = report.recordings
    assert one.text == "where is my new credit card"
    assert (one.slots_found, one.slots, one.word_errors, one.words) == (1, 2, 0, 6)
    assert report.all_slots is not None
    assert report.slot_recall is not None
    assert report.word_error_rate is not None
    assert (report.all_slots.value, report.slot_recall.value) == (0.0, 0.5)
    assert report.word_error_rate.value == 0
    assert 0 < report.real_time_factor < 5
    assert 0 <= report.final_latency_ms.p50 <= report.final_latency_ms.p95
    assert told == [(1, 1)]
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(report.table())
    assert "slot recall" in console.export_text()


def test_figures_without_labels_are_absent() -> None:
    report = evaluate_recognition(SCENARIOS, {"angry_1.wav": Label()}, SOURCE)
    assert report.all_slots is report.slot_recall is report.word_error_rate is None


def test_a_slot_is_found_at_word_boundaries() -> None:
    label = Label(slots={"day": "day"})
    assert evaluation._judged("f", label, "on monday", 1, 1).slots_found == 0
    assert evaluation._judged("f", label, "on a day", 1, 1).slots_found == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "the file"),
        ('{"a.wav": {"slots": {"x": 5}}}', "a.wav > slots > x"),
        ('{"a.wav": {"slots": {"x": ""}}}', "a.wav > slots > x"),
        ("\udcff", "not JSON"),
    ],
)
def test_bad_labels_are_named(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=said):
        evaluation.read_labels(path)


def test_no_labels_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no recording"):
        evaluate_recognition(tmp_path, {}, SOURCE)


def test_a_corpus_is_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("a {b} c\n\n  d\n")
    assert evaluation.corpus_source(path).sentences == ("a  b  c", "d")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        evaluation.corpus_source(path)


def test_wavs_of_both_kinds_are_read(tmp_path: Path) -> None:
    pcm = (1000 * np.sin(np.arange(800))).astype(np.int16)
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    assert np.array_equal(evaluation.read_wav(path), pcm)
    mulaw = g711.encode(pcm)
    form = b"\x07\0\x01\0" + (8000).to_bytes(4, "little") * 2 + b"\x01\0\x08\0"
    body = b"WAVEfmt \x10\0\0\0" + form + b"data" + len(mulaw).to_bytes(4, "little") + mulaw
    path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    assert np.array_equal(evaluation.read_wav(path), g711.decode(mulaw))


@given(st.binary(max_size=80))
def test_anything_else_is_an_error_that_names_the_file(raw: bytes) -> None:
    path = Path("/dev/shm") if Path("/dev/shm").is_dir() else Path("/tmp")
    path = path / "voice-hitl-not-a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + raw)
    try:
        with pytest.raises(ConfigError, match=r"not-a\.wav"):
            evaluation.read_wav(path)
    finally:
        path.unlink()
