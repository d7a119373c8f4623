"""The demo's JSON report (DESIGN section 7), from what both ends saw and what the server stored.

Everything here is pure: `Played` in, dictionaries out. In a call's `handoff`, times are milliseconds since
the server took the call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voice_hitl.call.latency import Stage
from voice_hitl.demo import measuring
from voice_hitl.demo.judging import Check, Outcome, failures, judge
from voice_hitl.demo.latencies import Measured, collect
from voice_hitl.demo.matching import Line, Match, Said, match
from voice_hitl.demo.operators import Bridge
from voice_hitl.demo.wer import WordErrors, total
from voice_hitl.simulate.record import CallRecord
from voice_hitl.simulate.scenario import Scenario

Stored = Mapping[str, Any]  # `CallDetail` of the REST interface
Sample = tuple[Stage, float]  # milliseconds


@dataclass(frozen=True, slots=True)
class Played:
    """One call as it was: the caller's record, the operators', the server's."""

    scenario: Scenario
    record: CallRecord
    stored: Stored | None  # None: the server knows nothing of the call
    unix: float  # add to a time of the record for Unix seconds
    bridges: Sequence[Bridge] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    still_ringing: Sequence[str] = ()
    problems: Sequence[str] = ()  # of operators in this call
    approvals: Sequence[str] = ()  # how operators answered what the AI asked for, oldest first
    judged: bool = True  # False: a person was free to do with it as they liked


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call, judged and measured."""

    scenario: str
    call_sid: str
    expected: str | None
    outcome: str | None
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    turns: tuple[dict[str, Any], ...]
    handoff: dict[str, Any] | None
    contents: tuple[measuring.Content, ...]
    words: WordErrors
    server: tuple[Sample, ...]  # as the server measured
    ends: tuple[Sample, ...]  # as caller and operator noticed
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether the call went as its scenario says."""
        return not failures(self.checks)

    @property
    def responses(self) -> list[float]:
        """Milliseconds from the end of speech to the answer, as the caller heard it."""
        return [value for stage, value in self.ends if stage is Stage.RESPONSE]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        rate = self.words.rate
        return {
            "call_sid": self.call_sid,
            "scenario": self.scenario,
            "outcome": self.outcome,
            "expected": self.expected,
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "wer": None if rate is None else round(rate, 4),
            "turns": list(self.turns),
            "handoff": self.handoff,
            "checks": [check.to_dict() for check in self.checks],
            "content": [
                {"direction": c.direction, "clip": c.clip, "score": c.score} for c in self.contents
            ],
            "caller_ms": _by_stage(self.ends),
        }


def report_call(played: Played) -> CallReport:
    """Judge and measure one call; searches sound, so a second or so of work."""
    record, stored = played.record, played.stored or {}
    scenario = played.scenario
    clips = {u.name: b"".join(scenario.clip(u.name).frames) for u in record.utterances}
    contents = tuple(measuring.contents(record, played.bridges, clips))
    matches = match(_said(played), _lines(stored))
    reasons = _reasons(stored)
    handoffs = stored.get("handoffs", [])
    came = Outcome(
        outcome=stored.get("call", {}).get("outcome"),
        reasons=reasons,
        requested=bool(handoffs),
        bridged=any(handoff["bridged_at"] is not None for handoff in handoffs),
        contents=contents,
        facts=played.facts,
        still_ringing=tuple(played.still_ringing),
        problems=(*record.problems, *record.faults, *played.problems),
        approvals=tuple(played.approvals),
    )
    return CallReport(
        scenario=scenario.name,
        call_sid=record.call_sid,
        expected=scenario.expect.outcome if played.judged else came.outcome,
        outcome=came.outcome,
        reasons=reasons,
        checks=tuple(judge(scenario.expect, came)) if played.judged else (),
        turns=tuple(_turns(stored, matches)),
        handoff=_handoff(stored),
        contents=contents,
        words=_words(matches),
        server=tuple(_server_samples(stored)),
        ends=tuple(_end_samples(played)),
        seconds=record.ended - record.started,
    )


def report_all(calls: Sequence[CallReport]) -> dict[str, Any]:
    """The whole report."""
    words = total(call.words for call in calls)
    server = collect(sample for call in calls for sample in call.server)
    ends = collect(sample for call in calls for sample in call.ends)
    contents = [content for call in calls for content in call.contents]
    return {
        "calls": [call.to_dict() for call in calls],
        "totals": {
            "calls": len(calls),
            "as_expected": sum(call.ok for call in calls),
            "outcomes": dict(Counter(str(call.outcome) for call in calls)),
            "handed_over": sum(call.handoff is not None for call in calls),
            "seconds": round(sum(call.seconds for call in calls), 1),
            "wer": None if words.rate is None else round(words.rate, 4),
            "word_errors": words.errors,
            "words": words.words,
            "lowest_content_score": min((c.score for c in contents), default=None),
            "latency_ms": {
                "server": {stage.value: found.to_dict() for stage, found in server.items()},
                "caller": {stage.value: found.to_dict() for stage, found in ends.items()},
            },
        },
    }


def figures(calls: Sequence[CallReport]) -> tuple[dict[Stage, Measured], dict[Stage, Measured]]:
    """Latency by stage: as the server measured, and as caller and operator noticed."""
    return (
        collect(sample for call in calls for sample in call.server),
        collect(sample for call in calls for sample in call.ends),
    )


# --- words ------------------------------------------------------------------------------------


def _said(played: Played) -> list[Said]:
    found = []
    for utterance in played.record.utterances:
        start = utterance.speech[0][0] if utterance.speech else utterance.started
        found.append(
            Said(
                name=utterance.name,
                text=utterance.text,
                start=start + played.unix,
                end=utterance.speech_end + played.unix,
                scored=bool(utterance.text) and not utterance.cut,
            )
        )
    return found


def _lines(stored: Stored) -> list[Line]:
    return [
        Line(turn["seq"], turn["text"], turn["at"])
        for turn in stored.get("turns", [])
        if turn["role"] == "caller" and turn["text"]
    ]


def _words(matches: Sequence[Match]) -> WordErrors:
    """Errors of a call; none are counted where nobody could tell any of the caller's words."""
    if not any(found.reference is not None for found in matches):
        return WordErrors()
    return total(found.errors for found in matches if found.errors is not None)


def _turns(stored: Stored, matches: Sequence[Match]) -> Iterator[dict[str, Any]]:
    """The transcript with its references; what was said but never recognized comes as an empty turn."""
    of_line: dict[int, Match] = {}
    for found in matches:
        for line in found.lines:
            of_line[line.seq] = found
    missed = [found for found in matches if not found.lines and found.reference is not None]
    told: set[int] = set()
    for turn in stored.get("turns", []):
        while missed and missed[0].said[0].end < turn["at"]:
            yield _missed(missed.pop(0))
        reference = words = None
        found_here = of_line.get(turn["seq"])
        if found_here is not None and id(found_here) not in told:
            told.add(id(found_here))
            reference, words = found_here.reference, found_here.errors
        yield {
            "role": turn["role"],
            "turn": turn["turn"],
            "at": turn["at"],
            "reference": reference,
            "text": turn["text"],
            "heard": turn["heard"],
            "word_errors": None if words is None else words.errors,
            "asr_confidence": turn["asr_confidence"],
            "intent": turn["intent"],
            "confidence": turn["confidence"],
            "risk": turn["risk"],
            "latency_ms": dict(turn["latency_ms"]),
        }
    for found in missed:
        yield _missed(found)


def _missed(found: Match) -> dict[str, Any]:
    errors = found.errors
    return {
        "role": "caller",
        "turn": None,
        "at": found.said[0].start,
        "reference": found.reference,
        "text": "",
        "heard": None,
        "word_errors": None if errors is None else errors.errors,
        "asr_confidence": None,
        "intent": None,
        "confidence": None,
        "risk": None,
        "latency_ms": {},
    }


# --- decisions --------------------------------------------------------------------------------


def _reasons(stored: Stored) -> tuple[str, ...]:
    """Codes of all decisions to hand over, in order, each once."""
    codes = [
        reason["code"]
        for decision in stored.get("decisions", [])
        if decision["hand_off"]
        for reason in decision["reasons"]
    ]
    return tuple(dict.fromkeys(codes))


def _handoff(stored: Stored) -> dict[str, Any] | None:
    """The request that a person answered, or else the last one."""
    handoffs = stored.get("handoffs", [])
    if not handoffs:
        return None
    started = stored["call"]["started_at"]
    chosen = next((h for h in handoffs if h["accepted_at"] is not None), handoffs[-1])

    def since(name: str) -> float | None:
        return None if chosen[name] is None else round((chosen[name] - started) * 1000.0, 1)

    return {
        "reasons": list(_reasons(stored)),
        "decided_ms": since("requested_at"),
        "offered_ms": since("offered_at"),
        "accepted_ms": since("accepted_at"),
        "bridged_ms": since("bridged_at"),
        "ended_ms": since("ended_at"),
        "ended_why": chosen["ended_why"],
        "requests": len(handoffs),
        "brief": chosen["brief"] or None,
    }


# --- latency ----------------------------------------------------------------------------------


def _server_samples(stored: Stored) -> Iterator[Sample]:
    for turn in stored.get("turns", []):
        for name, milliseconds in turn["latency_ms"].items():
            yield Stage(name), milliseconds
    for handoff in stored.get("handoffs", []):
        if handoff["offered_at"] is not None:
            yield Stage.OFFER, (handoff["offered_at"] - handoff["requested_at"]) * 1000.0
        if handoff["bridged_at"] is not None and handoff["accepted_at"] is not None:
            yield Stage.BRIDGE, (handoff["bridged_at"] - handoff["accepted_at"]) * 1000.0


def _end_samples(played: Played) -> Iterator[Sample]:
    record = played.record
    stored = played.stored or {}
    handed = [
        (handoff["requested_at"] - played.unix, (handoff["ended_at"] or 1e12) - played.unix)
        for handoff in stored.get("handoffs", [])
    ]
    yield from ((Stage.RESPONSE, value) for value in measuring.responses(record, handed))
    yield from ((Stage.BARGE_IN, value) for value in measuring.barge_ins(record))
    for bridge in played.bridges:
        value = measuring.bridge_time(record, bridge)
        if value is not None:
            yield Stage.BRIDGE, value
        yield from ((Stage.AUDIO_AGE_IN, age) for age in measuring.ages_in(record, bridge))
        yield from ((Stage.AUDIO_AGE_OUT, age) for age in measuring.ages_out(record, bridge))


def _by_stage(samples: Sequence[Sample]) -> dict[str, list[float]]:
    """All values of a call by stage; of audio age only the largest, since every frame has one."""
    found: dict[str, list[float]] = {}
    for stage, value in samples:
        found.setdefault(stage.value, []).append(round(value, 1))
    for stage in (Stage.AUDIO_AGE_IN, Stage.AUDIO_AGE_OUT):
        if stage.value in found:
            found[stage.value] = [max(found[stage.value])]
    return found
