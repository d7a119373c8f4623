from __future__ import annotations

import json

from voice_hitl.simulate.record import CallRecord, Ending, Utterance
from voice_hitl.telephony.emulator import Burst


def record(utterances: list[tuple[float, float]], bursts: list[tuple[float, float]]) -> CallRecord:
    made = CallRecord("test", "CA1", started=100.0, ended=110.0, ending=Ending.SERVER)
    made.utterances = [Utterance("a.wav", "a", start, [(start, end)]) for start, end in utterances]
    made.bursts = [Burst(*burst) for burst in bursts]
    made.find_answers()
    return made


def test_an_answer_begins_after_the_speech_and_before_the_next() -> None:
    made = record([(101, 102), (105, 106)], [(100, 100.9), (102.5, 104), (106.4, 107)])
    assert [u.answered_at for u in made.utterances] == [102.5, 106.4]
    assert [round(latency, 3) for latency in made.latencies] == [0.5, 0.4]
    assert not any(u.talked_over for u in made.utterances)


def test_what_was_being_said_all_the_time_is_no_answer() -> None:
    made = record([(101, 102), (103, 104)], [(100, 102.4), (104.3, 105)])
    assert [u.answered_at for u in made.utterances] == [None, 104.3]


def test_an_agent_that_cuts_in_is_noticed() -> None:
    made = record([(101, 102)], [(101.5, 103)])
    assert made.utterances[0].talked_over
    assert made.utterances[0].latency is None


def test_an_utterance_cut_before_its_first_sound_has_no_speech() -> None:
    utterance = Utterance("a.wav", "a", 101.0, [], cut=True)
    assert utterance.speech_end == 101.0


def test_a_call_is_fine_without_problems_and_faults() -> None:
    made = record([], [])
    assert made.ok
    made.faults.append("binary message")
    assert not made.ok
    made.faults.clear()
    made.problem(101.0, "waited in vain")
    assert not made.ok
    assert [(e.at, e.kind, e.detail) for e in made.events] == [(101.0, "problem", "waited in vain")]


def test_the_report_is_json_with_times_from_the_start() -> None:
    made = record([(101, 102)], [(102.5, 104)])
    made.note(103.0, "clear")
    made.origin = 100.5
    report = json.loads(json.dumps(made.to_dict()))
    assert report["seconds"] == 10.0
    assert report["recording_starts"] == 0.5
    assert report["utterances"][0]["speech"] == [[1.0, 2.0]]
    assert report["utterances"][0]["latency_ms"] == 500.0
    assert report["heard"] == [[2.5, 4.0]]
    assert report["events"] == [{"at": 3.0, "kind": "clear", "detail": ""}]
    assert report["ending"] == "server_hung_up"
