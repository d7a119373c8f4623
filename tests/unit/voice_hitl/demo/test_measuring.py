import numpy as np
import pytest

from voice_hitl.demo import measuring, studio
from voice_hitl.demo.operators import FRAME, PERIOD, SILENCE, Bridge, canonical, cut
from voice_hitl.simulate.record import CallRecord, Utterance
from voice_hitl.telephony.emulator import Burst

ORIGIN = 100.0


def voice(seconds: float, seed: int) -> bytes:
    """Noise in the telephone band, no two stretches alike: stands for speech that can be told apart."""
    size = round(seconds * 8000)
    random = np.random.default_rng(seed)
    noise = studio.telephone_band(random.standard_normal(size))
    return canonical(studio.to_mulaw(0.1 * noise / noise.std()))


def utterance(
    start: float, end: float, answered: float | None = None, text: str = "hi"
) -> Utterance:
    return Utterance("a.wav", text, start, [(start, end)], answered_at=answered)


def record(**values: object) -> CallRecord:
    made = CallRecord("test", "CA1", started=ORIGIN)
    made.origin = ORIGIN
    for name, value in values.items():
        setattr(made, name, value)
    return made


def bridge(clip: bytes, opened: float) -> Bridge:
    made = Bridge("CA1", "Dana", 1, accepted_at=opened - 0.03, clip=clip, opened_at=opened)
    made.sent = [(opened + n * PERIOD, frame) for n, frame in enumerate([*cut(clip), SILENCE])]
    return made


def test_responses_are_counted_from_the_true_end_of_speech() -> None:
    made = record(utterances=[utterance(101, 102.5, answered=103.0)])
    assert list(measuring.responses(made, [])) == [pytest.approx(500.0)]


def test_what_was_said_to_a_person_needs_no_answer_of_the_ai() -> None:
    made = record(
        utterances=[utterance(101, 102, answered=102.4), utterance(110, 112, answered=115.0)]
    )
    assert list(measuring.responses(made, [(102.2, 120.0)])) == [pytest.approx(400.0)]


def test_cut_off_or_unclear_recordings_have_no_response() -> None:
    cut_off = utterance(101, 102, answered=102.4)
    cut_off.cut = True
    unclear = utterance(105, 106, answered=107.0, text="")
    assert list(measuring.responses(record(utterances=[cut_off, unclear]), [])) == []


def test_a_barge_in_lasts_until_the_clear() -> None:
    made = record(
        utterances=[utterance(105, 107)], bursts=[Burst(103.0, 105.2)], clears=[104.0, 105.18]
    )
    assert list(measuring.barge_ins(made)) == [pytest.approx(180.0)]


def test_speaking_into_silence_is_no_barge_in() -> None:
    made = record(utterances=[utterance(105, 107)], bursts=[Burst(103.0, 104.8)], clears=[105.18])
    assert list(measuring.barge_ins(made)) == []


def test_the_bridge_lasts_until_the_caller_hears_the_first_frame() -> None:
    clip = voice(0.5, 1)
    made = bridge(clip, opened=ORIGIN + 2.0)
    # The caller hears the first sample 2.04 s into the call: 70 ms after "take it".
    heard = b"\xff" * round(2.04 * 8000) + clip + b"\xff" * 800
    assert measuring.bridge_time(record(heard=heard), made) == pytest.approx(70.0, abs=0.2)


def test_a_voice_that_never_came_through_has_no_bridge_time() -> None:
    made = bridge(voice(0.5, 1), opened=ORIGIN + 2.0)
    assert measuring.bridge_time(record(heard=b"\xff" * 40_000), made) is None
    assert list(measuring.ages_out(record(heard=b"\xff" * 40_000), made)) == []


def test_audio_ages_both_ways() -> None:
    clip, caller = voice(0.5, 1), voice(1.0, 2)
    made = bridge(clip, opened=ORIGIN + 2.0)
    frames = [caller[n : n + FRAME] for n in range(0, len(caller), FRAME)]
    # Frame n leaves the caller when it is complete; it reaches the operator 4 ms later.
    made.heard = [(ORIGIN + (n + 1) * PERIOD + 0.004, frame) for n, frame in enumerate(frames)]
    heard = b"\xff" * round(2.006 * 8000) + clip
    call = record(said=caller, heard=heard)
    assert list(measuring.ages_in(call, made)) == [pytest.approx(4.0, abs=0.01)] * len(frames)
    out = list(measuring.ages_out(call, made))
    assert out == [pytest.approx(6.0, abs=0.2)] * len(cut(clip))


def test_frames_that_occur_twice_tell_nothing_of_age() -> None:
    part = voice(0.2, 3)
    made = bridge(b"", opened=ORIGIN)
    made.heard = [(ORIGIN + 1.0, part[:FRAME])]
    assert list(measuring.ages_in(record(said=part + part), made)) == []


def test_content_is_looked_for_at_the_other_end() -> None:
    clip, caller, other = voice(1.0, 1), voice(1.5, 2), voice(1.5, 3)
    made = bridge(clip, opened=ORIGIN + 2.0)
    made.ended_at = ORIGIN + 10.0
    made.heard = [(0.0, frame) for frame in cut(b"\xff" * 4000 + caller)]
    call = record(
        heard=b"\xff" * 16_000 + clip,
        utterances=[utterance(ORIGIN + 4, ORIGIN + 5.5), utterance(ORIGIN + 12, ORIGIN + 13)],
    )
    found = measuring.contents(call, [made], {"a.wav": caller})
    assert [(c.direction, c.clip) for c in found] == [
        ("to_caller", "Dana's words"),
        ("to_operator", "a.wav"),
    ]
    assert all(c.score > 0.95 for c in found)
    wrong = measuring.contents(call, [made], {"a.wav": other})
    assert wrong[1].score < 0.5
