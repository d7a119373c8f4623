"""A whole floor on virtual time: real calls, real desk, real voice activity detection; no sockets.

Speech is real sound (a shipped recording), so that the way in is the product's own. What it says is given
by the test: the recognizer here returns that text, late by as much as a real one is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from handoff import events as facts
from handoff.approvals import Answer, Answered, ApprovalRecord, Show
from handoff.audit import AuditItem, AuditorAnswers, AuditorAsks, AuditVerdict
from handoff.board import FINISHED, Column
from handoff.brief import Brief
from handoff.callbacks import CallbackRecord
from handoff.commands import Decision, Notice, Ring, RingCallback
from handoff.drift import Warned
from handoff.metrics import Figures
from handoff.moderation import Moderator
from handoff.policy import Policy
from handoff.queue import Waiting
from handoff.review import Choice, RevealChoice, ReviewerChose, ShowReview, VerdictGiven
from handoff.risk import SHIPPED as SHIPPED_MODELS
from handoff.testing import MemoryStore
from tests.support.scripted import ScriptedAgent, ScriptedRecognizer, ScriptedVoice
from tests.support.virtual import InlineExecutor
from voice_hitl.agent.pack import SHIPPED
from voice_hitl.audio import g711
from voice_hitl.background import background
from voice_hitl.call.calls import Calls
from voice_hitl.call.inbox import FloorSaid
from voice_hitl.call.journal import Journal
from voice_hitl.call.latency import Stage
from voice_hitl.call.line import CALLER, CallerLine, LineParts
from voice_hitl.call.moderating import Moderation
from voice_hitl.call.parts import CallParts
from voice_hitl.call.ports import CallSnapshot
from voice_hitl.call.runner import CallRunner
from voice_hitl.call.speaking import FILLER
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.transcript import Line
from voice_hitl.call.vad_service import VadService
from voice_hitl.call.workplace import Kept, Screens, Workplace
from voice_hitl.clock import Clock
from voice_hitl.simulate.clips import Clip, load_clip
from voice_hitl.telephony.emulator import Carrier, Playback
from voice_hitl.telephony.media_stream import (
    Dtmf,
    Mark,
    Media,
    MediaStream,
    Started,
    Stopped,
)
from voice_hitl.telephony.tokens import TokenStore

SPEECH = SHIPPED / "banking" / "scenarios" / "balance_1.wav"
EPOCH = 1_700_000_000.0
INTENTS = {"balance": "the balance", "transfer": "moving money"}


@dataclass
class Screen:
    """What all consoles were shown (`CallWatcher` and every one of `Screens`)."""

    calls: dict[str, CallSnapshot] = field(default_factory=dict)
    lines: dict[str, dict[int, Line]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    measured_ms: dict[Stage, list[float]] = field(default_factory=dict)
    ringing: dict[str, Ring] = field(default_factory=dict)  # by operator
    over: list[tuple[str, str]] = field(default_factory=list)  # operator, reason
    bridges: dict[str, tuple[str, int]] = field(default_factory=dict)  # operator -> call, epoch
    briefs: dict[str, Brief | None] = field(default_factory=dict)  # of bridges, by operator
    unbridged_why: list[str] = field(default_factory=list)
    presences: dict[str, str] = field(default_factory=dict)
    loads: dict[str, int] = field(default_factory=dict)
    alerted: dict[str, set[str]] = field(default_factory=dict)  # operators by call
    alerts_over: list[tuple[str, str]] = field(default_factory=list)  # call, reason
    callback_rings: dict[str, RingCallback] = field(default_factory=dict)  # by operator
    callbacks: dict[str, CallbackRecord] = field(default_factory=dict)  # Unix seconds
    refused: list[tuple[str, str]] = field(default_factory=list)  # overrides: by, reason
    waiting: list[str] = field(default_factory=list)  # calls in order of service
    rests: list[tuple[str, bool]] = field(default_factory=list)  # operator, whether it began
    asked: dict[str, dict[str, Show]] = field(default_factory=dict)  # approvals by operator, by id
    answers: list[tuple[str, str]] = field(default_factory=list)  # operator, status or why not
    approvals: dict[str, ApprovalRecord] = field(default_factory=dict)  # as kept last
    secret: dict[str, str] = field(default_factory=dict)  # reviews that are drawn: their calls
    reviews: dict[str, ShowReview] = field(default_factory=dict)  # on all screens
    reveals: dict[str, RevealChoice] = field(default_factory=dict)  # by reviewer
    reviewed: list[tuple[str, str, str | None]] = field(default_factory=list)  # id, outcome, by
    audits: dict[str, AuditItem | None] = field(default_factory=dict)  # by auditor
    audited: list[tuple[str, str]] = field(default_factory=list)  # auditor, why it is over
    exercises: list[tuple[str, bool | None]] = field(default_factory=list)  # operator, was right
    warnings: dict[str, Warned] = field(default_factory=dict)  # by code
    figures: Figures | None = None  # the last that were sampled

    def call_changed(self, snapshot: CallSnapshot) -> None:
        assert snapshot.call_id not in self.ended
        self.calls[snapshot.call_id] = snapshot

    def line(self, call_id: str, line: Line) -> None:
        self.lines.setdefault(call_id, {})[line.seq] = line

    def decided(self, call_id: str, decision: Decision) -> None:
        self.decisions.append(decision)

    def measured(self, stage: Stage, milliseconds: float) -> None:
        self.measured_ms.setdefault(stage, []).append(milliseconds)

    def call_ended(self, call_id: str, outcome: str) -> None:
        assert call_id not in self.ended, "a call ends once"
        self.ended[call_id] = outcome

    def bridged(self, call_id: str, operator_id: str, epoch: int, brief: Brief | None) -> None:
        self.bridges[operator_id] = (call_id, epoch)
        self.briefs[operator_id] = brief

    def unbridged(self, call_id: str, operator_id: str, reason: str) -> None:
        self.bridges.pop(operator_id, None)
        self.unbridged_why.append(reason)

    def ring(self, offer: Ring, seconds: float) -> None:
        self.ringing[offer.operator_id] = offer

    def offer_over(self, operator_id: str, offer_id: str, call_id: str, reason: str) -> None:
        if operator_id in self.ringing and self.ringing[operator_id].offer_id == offer_id:
            del self.ringing[operator_id]
        rung = self.callback_rings.get(operator_id)
        if rung is not None and rung.offer_id == offer_id:
            del self.callback_rings[operator_id]
        self.over.append((operator_id, reason))

    def approval_asked(self, ask: Show, seconds: float) -> None:
        self.asked.setdefault(ask.operator_id, {})[ask.approval_id] = ask

    def approval_over(self, operator_id: str, approval_id: str, why: str) -> None:
        self.asked[operator_id].pop(approval_id)

    def answer_taken(self, operator_id: str, approval_id: str, status: str) -> None:
        self.answers.append((operator_id, status))

    def answer_refused(self, operator_id: str, approval_id: str, why: str) -> None:
        self.answers.append((operator_id, why))

    def review_coming(self, review_id: str, call_id: str) -> None:
        self.secret[review_id] = call_id

    def review_asked(self, ask: ShowReview, seconds: float) -> None:
        self.reviews[ask.review_id] = ask

    def review_revealed(self, reveal: RevealChoice, seconds: float) -> None:
        self.reveals[reveal.reviewer_id] = reveal

    def review_withdrawn(self, review_id: str, reason: str) -> None:
        self.reviews.pop(review_id, None)

    def review_refused(self, operator_id: str, review_id: str, reason: str) -> None:
        self.reviewed.append((review_id, reason, operator_id))

    def review_over(self, review_id: str, outcome: str, reviewer: str | None) -> None:
        self.secret.pop(review_id, None)
        self.reviewed.append((review_id, outcome, reviewer))

    def audit_shown(self, operator_id: str, item: AuditItem | None, seconds: float) -> None:
        self.audits[operator_id] = item

    def audit_over(self, operator_id: str, audit_id: str, reason: str) -> None:
        self.audited.append((operator_id, reason))

    def exercise_asked(self, ask: Show, seconds: float, caller: str) -> None:
        self.approval_asked(ask, seconds)

    def exercise_over(self, operator_id: str, approval_id: str, right: bool | None) -> None:
        self.asked[operator_id].pop(approval_id)
        self.exercises.append((operator_id, right))

    def warning_raised(self, warning: Warned, since: float) -> None:
        self.warnings[warning.code.value] = warning

    def warning_over(self, code: str) -> None:
        del self.warnings[code]

    def figures_sampled(self, figures: Figures) -> None:
        self.figures = figures

    def presence(self, operator_id: str, presence: str, busy_with: str | None, load: int) -> None:
        self.presences[operator_id] = presence
        self.loads[operator_id] = load

    def alert(self, operator_ids: Iterable[str], call_id: str, brief: Brief) -> None:
        self.alerted.setdefault(call_id, set()).update(operator_ids)

    def alert_over(self, operator_ids: Iterable[str], call_id: str, reason: str) -> None:
        self.alerted.pop(call_id)
        self.alerts_over.append((call_id, reason))

    def ring_callback(self, offer: RingCallback, record: CallbackRecord, seconds: float) -> None:
        self.callback_rings[offer.operator_id] = offer

    def callback_changed(self, record: CallbackRecord) -> None:
        self.callbacks[record.callback_id] = record

    def override_refused(self, operator_id: str, reason: str) -> None:
        self.refused.append((operator_id, reason))

    def queue(self, waiting: Iterable[Waiting], offered: Mapping[str, str], shift: float) -> None:
        self.waiting = [each.call_id for each in waiting if each.is_call]

    def rest(self, operator_id: str, resting: bool, worked_minutes: float) -> None:
        self.rests.append((operator_id, resting))


class Caller:
    """The far end of one call: Twilio and a person."""

    def __init__(self, world: World, call_sid: str) -> None:
        self.stream = MediaStream()
        self.closed = False
        self.close_code: int | None = None
        self._world = world
        self._sid = call_sid
        self._line = CallerLine(world.line_parts)
        now = world.now()
        self._carrier = Carrier(
            stream_sid="MZ1",
            call_sid=call_sid,
            account_sid="AC1",
            parameters={"token": world.tokens.issue(call_sid, now), CALLER: "+15550100"},
            playback=Playback(now),
        )
        self._speech: list[bytes] = []

    async def run(self) -> None:
        """Send 20 ms every 20 ms, until one side hangs up."""
        for message in self._carrier.opening():
            self._deliver(message)
        due = self._world.now()
        while not self.closed:
            frame = self._speech.pop(0) if self._speech else g711.SILENT_FRAME
            self._deliver(self._carrier.media(frame))
            for message in self._carrier.due(self._world.now()):
                self._deliver(message)
            due += 0.02
            await asyncio.sleep(due - self._world.now())

    # --- the connection that the server answers on ---

    def send(self, text: str) -> None:
        for message in self._carrier.receive(text, self._world.now()):
            asyncio.get_running_loop().call_soon(self._deliver, message)

    def close(self, code: int = 1000, reason: str = "") -> None:
        if not self.closed:
            self.closed = True
            self.close_code = code
            asyncio.get_running_loop().call_soon(self._line.closed)

    def _deliver(self, message: str) -> None:
        if self.closed:
            return
        for event in self.stream.receive(message):
            match event:
                case Started():
                    self._line.on_started(event, self)
                case Media():
                    self._line.on_media(event)
                case Mark(name=name):
                    self._line.on_mark(name)
                case Dtmf(digit=digit):
                    self._line.on_dtmf(digit)
                case Stopped():
                    self._line.on_stopped()

    # --- the person ---

    @property
    def runner(self) -> CallRunner:
        found = self._world.calls.get(self._sid)
        assert found is not None, "the call is over"
        return found

    @property
    def live(self) -> bool:
        return self._world.calls.get(self._sid) is not None

    @property
    def outcome(self) -> str | None:
        return self._world.screen.ended.get(self._sid)

    @property
    def said(self) -> list[str]:
        """What the agent said so far, by the transcript."""
        lines = self._world.screen.lines.get(self._sid, {})
        return [line.text for _, line in sorted(lines.items()) if line.role == "agent"]

    @property
    def clears(self) -> int:
        return len(self._carrier.clears)

    @property
    def playback(self) -> Playback:
        return self._carrier.playback

    def starts_to_speak(self, text: str, clip: Clip | None = None) -> None:
        """Begin to speak; `text` is what the recognizer will make of it."""
        self._world.recognizer.saying = text
        self._speech += list((clip or self._world.clip).frames)

    async def says(self, text: str) -> None:
        """Speak and wait until the whole recording was sent."""
        self.starts_to_speak(text)
        await self._world.until(lambda: not self._speech)

    def presses(self, digit: str) -> None:
        self._deliver(self._carrier.dtmf(digit))

    def hangs_up(self) -> None:
        self._deliver(self._carrier.stop())
        self.close()

    async def hears(self, words: str) -> None:
        """Wait until the agent begins to say something with these words."""
        await self._world.until(lambda: any(words in text for text in self.said))

    async def hears_the_end(self) -> None:
        """Wait until the agent has spoken and nothing plays any more."""
        await self._world.until(lambda: bool(self.said) and self._world.egress_idle(self._sid))


class Operator:
    """One person on the floor."""

    def __init__(self, world: World, operator_id: str) -> None:
        self.operator_id = operator_id
        self._world = world
        self.attached: CallRunner | None = None

    def joins(self, seniority: facts.Seniority = facts.Seniority.STANDARD) -> Operator:
        name = self.operator_id.title()
        self._world.floor.post(facts.OperatorJoined(self.operator_id, name, seniority=seniority))
        return self

    def goes(self, presence: facts.Presence) -> Operator:
        self._world.floor.post(facts.OperatorPresence(self.operator_id, presence))
        return self

    @property
    def offer(self) -> Ring | None:
        return self._world.screen.ringing.get(self.operator_id)

    async def is_rung(self) -> Ring:
        await self._world.until(lambda: self.offer is not None)
        assert self.offer is not None
        return self.offer

    def accepts(self, offer: Ring) -> None:
        self._world.floor.post(facts.OfferAccepted(self.operator_id, offer.offer_id))

    def declines(self, offer: Ring) -> None:
        self._world.floor.post(facts.OfferDeclined(self.operator_id, offer.offer_id))

    async def opens_audio(self) -> None:
        """Wait to be told of the bridge, then connect, as a browser does."""
        await self._world.until(lambda: self.operator_id in self._world.screen.bridges)
        call_id, epoch = self._world.screen.bridges[self.operator_id]
        runner = self._world.calls.get(call_id)
        assert runner is not None
        assert runner.leg is not None
        assert runner.leg.epoch == epoch
        runner.leg.attach()
        self.attached = runner

    async def takes(self) -> None:
        self.accepts(await self.is_rung())
        await self.opens_audio()

    async def is_asked(self) -> Show:
        """Wait until the AI wants something approved."""
        await self._world.until(lambda: bool(self._world.screen.asked.get(self.operator_id)))
        return next(iter(self._world.screen.asked[self.operator_id].values()))

    def answers(self, ask: Show, answer: Answer, digest: str | None = None) -> None:
        """Answer what was seen, or something else."""
        seen = digest or ask.record.digest
        self._world.approvals.post(Answered(ask.approval_id, self.operator_id, seen, answer))

    def leaves(self) -> None:
        """Sign out."""
        self._world.floor.post(facts.OperatorLeft(self.operator_id))

    async def reviews(self) -> ShowReview:
        """Wait until there is a turn to decide beside the AI."""
        await self._world.until(lambda: bool(self._world.screen.reviews))
        return next(iter(self._world.screen.reviews.values()))

    def chooses(self, ask: ShowReview, choice: Choice) -> None:
        """Decide it."""
        self._world.workplace.reviews.post(ReviewerChose(ask.review_id, self.operator_id, choice))

    def compares(self, review_id: str, *, equal: bool) -> None:
        """Say whether the AI's choice comes to the same."""
        self._world.workplace.reviews.post(VerdictGiven(review_id, self.operator_id, equal))

    async def asks_to_audit(self) -> AuditItem | None:
        """Ask for something to judge; what there is."""
        self._world.screen.audits.pop(self.operator_id, None)
        self._world.workplace.audits.post(AuditorAsks(self.operator_id))
        await self._world.until(lambda: self.operator_id in self._world.screen.audits)
        return self._world.screen.audits[self.operator_id]

    def judges(self, item: AuditItem, verdict: AuditVerdict, note: str = "") -> None:
        """Judge it."""
        answer = AuditorAnswers(item.audit_id, self.operator_id, verdict, note)
        self._world.workplace.audits.post(answer)

    def speaks(self, frames: int = 10) -> None:
        assert self.attached is not None
        assert self.attached.leg is not None
        for _ in range(frames):
            assert self.attached.leg.from_operator(bytes(324))

    def loses_audio(self) -> None:
        assert self.attached is not None
        assert self.attached.leg is not None
        self.attached.leg.detach()

    def tells(
        self, event: facts.HandedBack | facts.OperatorEndedCall | facts.TakeoverAsked
    ) -> None:
        call_id = next(iter(self._world.screen.calls))
        runner = self._world.calls.get(call_id)
        assert runner is not None
        runner.post(FloorSaid(event))


class NotedWorkplace(Workplace):
    """Notes how every approval stands."""

    def __init__(self, screen: Screen, *parts: Any) -> None:
        self._screen = screen
        super().__init__(*parts)

    def approval_kept(self, record: ApprovalRecord) -> None:
        super().approval_kept(record)
        self._screen.approvals[record.approval_id] = record


class World:
    """Everything of a server but sockets, processes and disk."""

    def __init__(
        self, agent: ScriptedAgent, policy: Policy, store: MemoryStore, kept: Kept
    ) -> None:
        self.clock = Clock(epoch=EPOCH)
        self.store = store
        self.agent = agent
        self.screen = Screen()
        self.recognizer = ScriptedRecognizer()
        self.voice = ScriptedVoice()
        self.journal = Journal(self.store)
        self.calls = Calls(max_calls=3, on_end=lambda call_id, _: self.workplace.call_over(call_id))
        self.workplace = NotedWorkplace(
            self.screen,
            policy,
            self.clock,
            self.journal,
            Screens(*[self.screen] * 7),
            self.calls.get,
            b"test",
            INTENTS,
            kept,
        )
        self.floor, self.approvals = self.workplace.floor, self.workplace.approvals
        self.ticker = Ticker()
        self.tokens = TokenStore()
        self.clip = load_clip(SPEECH)
        self.line_parts = LineParts(
            calls=self.calls,
            call_parts=CallParts(
                recognizer=self.recognizer,
                voice=self.voice,
                clips={text: self.voice.clip(text) for text in (*NOTICES.values(), FILLER)},
                executor=InlineExecutor(),
                floor=self.floor,
                gate=self.approvals,
                board=self.workplace.board,
                reviews=self.workplace.reviews,
                audits=self.workplace.audits,
                moderation=Moderation(Moderator(policy, key=b"test")),
                watcher=self.screen,
                clock=self.clock,
                notice=lambda notice, _: NOTICES[notice],
                reconnect_seconds=2.0,
            ),
            agent=agent,
            policy=policy,
            models=SHIPPED_MODELS,
            model_version="",
            pack="test",
            language="en",
            journal=self.journal,
            tokens=self.tokens,
            ticker=self.ticker,
            vad=VadService(self.ticker),
        )
        self._group: asyncio.TaskGroup
        self._callers = 0

    def now(self) -> float:
        return self.clock.now()

    def egress_idle(self, call_sid: str) -> bool:
        runner = self.calls.get(call_sid)
        return runner is None or runner.egress.idle

    async def until(self, happened: Callable[[], bool], within: float = 120.0) -> None:
        """Let virtual time pass until something is so."""
        end = self.now() + within
        while not happened():
            assert self.now() < end, "it did not happen in time"
            await asyncio.sleep(0.005)

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def call(self) -> Caller:
        """A caller dials in and the greeting starts."""
        self._callers += 1
        sid = f"CA{self._callers}"
        caller = Caller(self, sid)
        self._group.create_task(caller.run())
        await self.until(lambda: self.calls.get(sid) is not None)
        return caller

    def operator(self, name: str) -> Operator:
        """An operator who is there and available."""
        return Operator(self, name).joins().goes(facts.Presence.AVAILABLE)

    async def settled(self) -> None:
        """All calls are over and everything is stored."""
        await self.until(lambda: len(self.calls) == 0)
        await self.journal.flush()

    def check_nothing_is_left(self) -> None:
        """No live call, no ringing operator, no leased decoder, no half-written row, no open task."""
        assert len(self.calls) == 0
        assert self.screen.ringing == {}
        assert self.screen.bridges == {}
        assert self.recognizer.open_utterances == 0
        assert "offered" not in self.screen.presences.values()
        assert "in_call" not in self.screen.presences.values()
        board = self.workplace.board.board
        assert board.anomalies() == ()
        assert [c for column in Column if column not in FINISHED for c in board.cards(column)] == []


NOTICES: Mapping[Notice, str] = {notice: f"Notice {notice.value}." for notice in Notice}


@asynccontextmanager
async def a_world(
    agent: ScriptedAgent | None = None,
    policy: Policy | None = None,
    store: MemoryStore | None = None,
) -> AsyncIterator[World]:
    """Run a world; afterwards nothing may be left of its calls. `store`: what an earlier one left."""
    store = store or MemoryStore()
    kept = await Kept.of(store, Clock(epoch=EPOCH).wall())
    world = World(agent or ScriptedAgent(), policy or Policy(), store, kept)
    world._callers = len(await store.calls())  # no id of a call comes twice
    await world.workplace.figures.rebuild(policy or Policy(), store)
    services = [
        world.journal.run(),
        *world.workplace.services(),
        world.ticker.run(),
        world.calls.run(),
    ]
    async with asyncio.TaskGroup() as group, background() as start:
        world._group = group
        for service in services:
            start(service)
        yield world
        await world.settled()
        await world.passes(0.1)
        world.check_nothing_is_left()


def replace_floor(policy: Policy, **changes: float) -> Policy:
    return policy.model_copy(update={"floor": policy.floor.model_copy(update=changes)})
