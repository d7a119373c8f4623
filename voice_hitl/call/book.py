"""The book of one call: its transcript, figures and records, kept in step with what people are shown.

The runner tells it what happened; the book writes it down (`Journal`) and shows it (`CallWatcher`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from handoff.commands import Decision, RequestOperator
from handoff.engine import CallEngine
from handoff.events import CallStarted, OperatorAssigned, SpeechFacts
from handoff.ports import (
    CallRecord,
    DecisionRecord,
    EventRecord,
    FactRecord,
    TurnRecord,
)
from handoff.states import State
from voice_hitl.agent.guard import HIDDEN, mask, mask_start
from voice_hitl.agent.protocol import Acted, Proposal, Understanding
from voice_hitl.call.handoff_entries import HandoffEntries
from voice_hitl.call.journal import Journal
from voice_hitl.call.latency import Stage
from voice_hitl.call.masking import masked_words
from voice_hitl.call.ports import CallSnapshot, CallWatcher, Point
from voice_hitl.call.transcript import Line, Transcript
from voice_hitl.clock import Clock
from voice_hitl.language import Hypothesis

MAX_POINTS = 500  # of the confidence and risk curve that consoles are shown


@dataclass(frozen=True, slots=True)
class UtteranceFacts:
    """The last utterance with words as recognition saw it."""

    hypothesis: Hypothesis
    seconds: float = 0.0
    revisions: int = 0

    def facts(self) -> SpeechFacts:
        """What the decision core is told of it."""
        words = self.hypothesis.words
        return SpeechFacts(
            confidence=self.hypothesis.confidence,
            words=len(words) or len(self.hypothesis.text.split()),
            lowest_word=min((word.confidence for word in words), default=1.0),
            revisions=self.revisions,
            seconds=self.seconds,
        )


NOTHING_HEARD = UtteranceFacts(Hypothesis("", final=True))


class CallBook:
    """Written by the call's owner alone."""

    def __init__(
        self,
        started: CallStarted,
        engine: CallEngine,
        clock: Clock,
        journal: Journal,
        watcher: CallWatcher,
        policy_version: str,
        model_version: str = "",
    ) -> None:
        self.started = started
        self.pending: str | None = None
        self.awaits_sensitive = False  # the agent waits for something that nobody is shown
        self._veiled: int | None = (
            None  # the caller's last line that is not shown until it is understood
        )
        self.last_utterance = NOTHING_HEARD
        self._engine = engine
        self._clock = clock
        self._journal = journal
        self._watcher = watcher
        self._transcript = Transcript()
        self._partial = ""
        self._revisions = 0
        self._points: list[Point] = []
        self.turn = 0
        self._details: dict[int, TurnRecord] = {}  # lines that may still change
        self._caller_line: int | None = None  # of the present turn
        self._line_before: int | None = None  # that of the turn before
        self._stages: dict[str, float] = {}  # of the present turn
        self._decisions = 0
        self.handoffs = HandoffEntries(started.call_id, clock, journal, watcher)
        self._call = CallRecord(
            call_id=started.call_id,
            caller=started.caller,
            pack=started.pack,
            language=started.language,
            started_at=clock.wall(),
            policy_version=policy_version,
            model_version=model_version,
        )
        journal.put(self._call)

    @property
    def call_id(self) -> str:
        """The call's id, Twilio's CallSid."""
        return self.started.call_id

    @property
    def lines(self) -> tuple[Line, ...]:
        """The transcript so far."""
        return self._transcript.lines

    @property
    def caller_line(self) -> Line | None:
        """What the caller said or did in the present turn; None before it is settled."""
        return None if self._caller_line is None else self._transcript.lines[self._caller_line]

    @property
    def caller_words(self) -> str | None:
        """The same as people see it."""
        return None if self.caller_line is None else self.caller_line.text

    @property
    def veils(self) -> bool:
        """Whether what the caller says or keys now is not shown; what they tell an operator is."""
        return self.awaits_sensitive and self._engine.state is not State.OPERATOR

    @property
    def outcome(self) -> str | None:
        """How the call ended, None while it lives."""
        return self._call.outcome

    # --- the caller -----------------------------------------------------------------------------

    def caller_partial(self, text: str) -> None:
        """Words so far; counts how often words already shown are taken back."""
        if not text.startswith(self._partial):
            self._revisions += 1
        self._partial = text
        shown = HIDDEN if self.veils else text
        self._show(self._transcript.caller_partial(shown, self._clock.wall()))

    def drop_partial(self) -> None:
        """What was shown of an utterance does not count."""
        if self._partial:
            self._show(self._transcript.caller_final("", self._clock.wall(), 0.0))
        self._partial, self._revisions = "", 0

    def utterance(self, hypothesis: Hypothesis, seconds: float) -> None:
        """An utterance was recognized."""
        if hypothesis.text:
            self.last_utterance = UtteranceFacts(hypothesis, seconds, self._revisions)
        else:
            self.drop_partial()
        self._partial, self._revisions = "", 0

    def turn_begins(self, turn: int) -> None:
        """The caller's turn number `turn` has closed; what is measured from here on belongs to it."""
        self.turn = turn
        self._line_before, self._caller_line = self._caller_line, None
        self._stages = {}

    def caller_final(self, hypothesis: Hypothesis) -> None:
        """Settle what the caller said in the present turn."""
        veiled = self.veils
        text = HIDDEN if veiled else hypothesis.text
        line = self._transcript.caller_final(text, self._clock.wall(), hypothesis.confidence)
        self._caller_line = line.seq
        self._veiled = line.seq if veiled else None
        self._keep(line, asr_confidence=hypothesis.confidence)
        self._amend(line.seq, latency_ms=dict(self._stages))

    def caller_added_nothing(self) -> None:
        """The present turn is the one before, without a further word: its line is that one's."""
        self._caller_line = self._line_before

    def caller_other(self, text: str) -> None:
        """A turn without words, told as a system line."""
        self._caller_line = self.system(text).seq

    def understood(self, found: Understanding) -> None:
        """The agent's reading of the present turn."""
        line = self.caller_line
        if line is None:
            return
        self._amend(line.seq, intent=found.intent.name)
        if found.text and line.role == "caller" and (found.hides or line.seq == self._veiled):
            self.reword(line.seq, found.text)

    def stage(self, stage: Stage, milliseconds: float) -> None:
        """A latency stage of the present turn."""
        self._watcher.measured(stage, milliseconds)
        self._stages.setdefault(stage.value, round(milliseconds, 3))
        if self._caller_line is not None:
            self._amend(self._caller_line, latency_ms=dict(self._stages))

    # --- the agent ------------------------------------------------------------------------------

    def agent_says(self, text: str) -> int:
        """A sentence is on its way; returns its line."""
        line = self._transcript.add("agent", text, self._clock.wall())
        self._keep(line)
        return line.seq

    def heard(self, seq: int, text: str) -> Line:
        """What the caller heard of an agent's line: its beginning."""
        line = self._transcript.heard(seq, text)
        self._show(line)
        self._amend(seq, heard=mask_start(line.text, text))
        return line

    def heard_all(self, seq: int) -> None:
        """The caller heard a whole line."""
        self.heard(seq, self._transcript.lines[seq].text)

    def as_heard(self, lines: Iterable[int]) -> str:
        """Some lines as the caller heard them, joined."""
        known = self._transcript.lines
        return " ".join(text for seq in lines if (text := known[seq].as_heard))

    def proposed(self, proposal: Proposal, verdict: str) -> None:
        """The agent wants to act; `verdict` says what becomes of it."""
        summary = masked_words(proposal.summary, proposal.arguments, proposal.sensitive)
        self.system(f"The AI wants to {summary} ({verdict}).")
        self.log_event("action_proposed", name=proposal.name, verdict=verdict)

    def acted(self, acted: Acted) -> None:
        """An action was tried."""
        result = mask(acted.result)
        self.system(result)
        self.log_event("action_tried", name=acted.name, ok=acted.ok, result=result)

    def system(self, text: str) -> Line:
        """Something that happened, in words."""
        line = self._transcript.add("system", text, self._clock.wall())
        self._keep(line)
        return line

    def reword(self, seq: int, text: str) -> None:
        """More is known of what a line of `system` tells."""
        self._show(self._transcript.reword(seq, text))
        self._amend(seq, text=mask(text))

    def facts(self, facts: Iterable[FactRecord]) -> None:
        """What the core was told, so that the call can be decided again."""
        self._journal.put(*facts)

    # --- decisions and handoffs -----------------------------------------------------------------

    def decided(self, decision: Decision) -> None:
        """A decision: stored, drawn on the curve, shown."""
        at = self._clock.wall()
        self._journal.put(
            DecisionRecord.of(
                decision, seq=self._decisions, at=at, policy_version=self._call.policy_version
            )
        )
        self._decisions += 1
        marks = self._engine.snapshot().marks
        low, high = (None, None) if marks is None else (marks.low, marks.high)
        self._points = [
            *self._points[-MAX_POINTS + 1 :],
            Point(decision.turn, at, decision.confidence, decision.risk, low, high),
        ]
        if self._caller_line is not None:
            self._amend(
                self._caller_line,
                confidence=decision.confidence,
                risk=decision.risk,
                signals=dict(self._engine.raw_signals),
            )
        self._watcher.decided(self.call_id, decision)
        self.changed()

    def requested(self, command: RequestOperator) -> None:
        """A person is asked for; again while nobody has come: the same request with a newer brief."""
        self.handoffs.requested(command.brief.as_dict())
        reasons = command.decision.reasons
        why = reasons[0].words if reasons else "the conversation is going badly"
        self.system(f"A person is being called: {why}.")
        self.changed()

    def offered(self, operator_id: str) -> None:
        """The request rings at an operator's console."""
        self.handoffs.offered()
        self.log_event("offered", operator_id=operator_id)

    def accepted(self, operator_id: str, epoch: int) -> None:
        """An operator took the call; to be stored before anybody is told. Too late for one that is over."""
        if self._call.ended_at is None:
            self.handoffs.accepted(operator_id, epoch)

    def assigned(self, event: OperatorAssigned) -> None:
        """The call knows of its operator."""
        self.system(f"{event.operator_name} took the call.")

    def bridge_over(self, why: str) -> None:
        """The operator no longer has the call, or nobody came."""
        self.handoffs.over(why)
        self.changed()

    # --- the end --------------------------------------------------------------------------------

    def ending(self, outcome: str, reason: str) -> None:
        """The call is over; everything that was open is closed."""
        at = self._clock.wall()
        self.bridge_over(reason)
        for seq, detail in self._details.items():
            line = self._transcript.lines[seq]
            if detail.role == "agent" and line.heard is None:
                self._transcript.heard(seq, "")
                self._journal.put(replace(detail, heard=""))
        self._call = replace(
            self._call,
            ended_at=at,
            outcome=outcome,
            reason=reason,
            safe_mode=self._engine.safe_mode,
        )
        self._journal.put(self._call)
        self._watcher.call_ended(self.call_id, outcome)

    def fail(self, why: str) -> None:
        """The call broke: close the book as failed, once."""
        if self._call.outcome is None:
            self.ending("failed", why)

    # --- showing and keeping --------------------------------------------------------------------

    def changed(self) -> None:
        """Show the call's present state."""
        if self._call.ended_at is None:
            self._watcher.call_changed(self.snapshot())

    def snapshot(self) -> CallSnapshot:
        """What the floor sees of this call."""
        seen = self._engine.snapshot()
        return CallSnapshot(
            call_id=self.call_id,
            caller=self.started.caller,
            pack=self.started.pack,
            started_at=self._call.started_at,
            state=seen.state.value,
            safe_mode=seen.safe_mode,
            operator_id=seen.operator_id,
            operator_name=seen.operator_name,
            intent=seen.intent,
            turns=seen.turn,
            points=tuple(self._points),
            reasons=seen.reasons,
            low_turns=seen.low_turns,
            armed=seen.armed,
        )

    def _show(self, line: Line) -> None:
        self._watcher.line(self.call_id, line)

    def _keep(self, line: Line, asr_confidence: float | None = None) -> None:
        self._show(line)
        record = TurnRecord(
            call_id=self.call_id,
            seq=line.seq,
            turn=self.turn,
            role=line.role,
            text=mask(line.text),
            at=line.at,
            asr_confidence=asr_confidence,
        )
        self._details[line.seq] = record
        self._journal.put(record)

    def _amend(self, seq: int, **changes: object) -> None:
        record = replace(self._details[seq], **changes)  # type: ignore[arg-type]  # fields by name
        self._details[seq] = record
        self._journal.put(record)

    def log_event(self, action: str, **detail: object) -> None:
        """A line of the audit log about this call; `detail` holds JSON values."""
        self._journal.put(
            EventRecord(
                event_id=secrets.token_hex(8),
                at=self._clock.wall(),
                actor="server",
                action=action,
                call_id=self.call_id,
                detail=detail,
            )
        )
