from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from handoff.audit import AuditItem
from handoff.moderation import Judgement, KnownTexts, Moderator, Route, Speaker, fingerprint
from handoff.policy import Policy
from handoff.ports import EventRecord
from handoff.session import State
from tests.support.booking import Desk
from voice_hitl.agent.pack import load_pack
from voice_hitl.call.moderating import CallModeration, Moderation, make_moderation

THREAT = fingerprint("I will burn your shop down")


@dataclass
class Audits:
    referred_items: list[tuple[AuditItem, float]] = field(default_factory=list)

    def automated(self, item: AuditItem) -> None:
        raise AssertionError("nothing was automated")

    def handled_by(self, call_id: str, operator_id: str) -> None:
        raise AssertionError("nobody has the call")

    def referred(self, item: AuditItem, propensity: float) -> None:
        self.referred_items.append((item, propensity))


class Room:
    """One call's moderation, with everything that it writes to."""

    def __init__(self, score: float = 0.0, audit: float = 0.0) -> None:
        policy = Policy.from_mapping({"moderation": {"audit": audit}}, "test")
        self.desk = Desk(policy=policy)
        self.audits = Audits()
        moderator = Moderator(
            policy, key=b"k", known=KnownTexts([THREAT]), scorer=lambda text: score
        )
        rules = Moderation(moderator, frozenset({"Fixed."}), {THREAT: "arson"})
        self.call = CallModeration(rules, self.desk.engine, self.desk.book, self.audits)

    def agent(self, text: str, before: str = "") -> Judgement:
        found = self.call.agent_says(text, before)
        assert found is not None
        self.call.note(found, text, 1.0)
        return found

    @property
    def person(self) -> bool:
        return self.desk.engine.state is not State.AI

    async def log(self) -> list[EventRecord]:
        store = await self.desk.stored()
        events = await store.events(call_id="CA1")
        return [event for event in reversed(events) if event.action.startswith("moderation.")]


async def test_what_passes_and_was_not_drawn_leaves_no_trace() -> None:
    room = Room(score=0.1)
    room.call.caller_said("what is my balance", 1.0)
    assert room.agent("It is five dollars.").say == "It is five dollars."
    assert room.desk.shown == {}
    assert await room.log() == []
    assert room.audits.referred_items == []
    assert not room.person


@pytest.mark.parametrize(
    ("score", "action", "brings"),
    [(0.97, "blocked", True), (0.7, "held", True), (0.4, "flagged", False)],
)
async def test_the_agents_words_by_score(score: float, action: str, brings: bool) -> None:
    room = Room(score)
    found = room.agent("You fool, account number 123456789.")
    assert (found.say == "You fool, account number 123456789.") is not brings
    (event,) = await room.log()
    assert event.action == f"moderation.{action}"
    assert event.detail["text"] == "You fool, account number •••••6789."
    assert event.detail["score"] == score
    assert event.detail["propensity"] == 1.0
    assert [text for text in room.desk.shown.values() if text.startswith("Moderation ")]
    assert room.person is brings
    ((item, propensity),) = room.audits.referred_items
    assert (item.kind, item.category, item.risk) == ("line", f"moderation_{found.route}", score)
    assert propensity == 1.0
    assert "123456789" not in item.summary


@pytest.mark.parametrize(("score", "brings"), [(0.97, True), (0.7, False), (0.4, False)])
async def test_a_caller_brings_a_person_only_by_what_is_certain(score: float, brings: bool) -> None:
    room = Room(score)
    room.call.caller_said("you fool", 1.0)
    assert room.person is brings
    assert len(await room.log()) == 1


async def test_known_texts_are_named_and_their_words_kept_nowhere() -> None:
    room = Room()
    room.call.caller_said("Listen, i w1ll burn your shooop down!", 1.0)
    (event,) = await room.log()
    assert (event.detail["layer"], event.detail["reason"]) == ("known", "arson")
    assert event.detail["text"] is None
    assert next(iter(room.desk.shown.values())) == (
        "Moderation calls a person because of what the caller said: arson."
    )
    assert room.audits.referred_items == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("It is 4111 1111 1111 1111.", "card number"),
        ("Yours is 123-45-6789.", "social security number"),
        ("Your password is hunter2!", "password"),
    ],
)
async def test_a_leak_is_named_and_never_written(text: str, kind: str) -> None:
    room = Room()
    assert room.agent(text).route is Route.BLOCK
    (event,) = await room.log()
    assert (event.detail["reason"], event.detail["text"]) == (kind, None)
    secret = text.split(" is ")[1]
    assert secret not in repr(event) + repr(room.desk.shown)


async def test_a_leak_that_began_in_the_sentence_before_is_found() -> None:
    room = Room()
    assert room.agent("1111 1111.", before="It is 4111 1111").route is Route.BLOCK
    assert room.agent("1111 1111.").route is Route.PASS


async def test_what_the_pack_always_says_is_trusted() -> None:
    assert Room(score=1.0).call.agent_says("Fixed.", "") is None


async def test_every_line_has_an_id_of_its_own_and_the_turn_it_belongs_to() -> None:
    room = Room(audit=1.0)
    room.desk.book.turn_begins(3)
    room.call.caller_said("one", 1.0)
    room.agent("two")
    first, second = await room.log()
    assert (first.action, second.action) == ("moderation.sampled", "moderation.sampled")
    assert first.detail["line_id"] != second.detail["line_id"]
    assert (first.detail["turn"], first.detail["speaker"]) == (3, Speaker.CALLER.value)
    assert [item.audit_id for item, _ in room.audits.referred_items] == [
        first.detail["line_id"],
        second.detail["line_id"],
    ]


async def test_a_long_line_is_cut_for_auditors() -> None:
    room = Room(score=0.4)
    room.agent("so " * 300)
    ((item, _),) = room.audits.referred_items
    assert len(item.summary) == 400
    assert item.summary.endswith("…")


def test_the_shipped_pack_trusts_its_own_prompts() -> None:
    pack = load_pack("banking")
    rules = make_moderation(pack, Policy(), b"k")
    assert set(pack.fixed_prompts()) <= rules.trusted
