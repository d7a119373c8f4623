from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from handoff.audit import AuditItem
from handoff.commands import (
    ConnectOperator,
    DisconnectOperator,
    RequestTakeover,
    WithdrawRequest,
)
from handoff.events import FloorReported, HandedBack, NobodyAvailable
from handoff.review import Choice, TurnOpened
from handoff.session import State
from tests.support.booking import Desk
from voice_hitl.audio.vad import SileroVad
from voice_hitl.call import inbox as at
from voice_hitl.call.attending import Attending
from voice_hitl.call.bridge import Bridge
from voice_hitl.call.egress import Egress
from voice_hitl.call.ingress import Ingress
from voice_hitl.call.second_opinions import SecondOpinions
from voice_hitl.call.ticker import Ticker
from voice_hitl.call.vad_service import VadService
from voice_hitl.telephony.media_stream import MediaStream

RECONNECT = 5.0  # seconds


@pytest.fixture(scope="module")
def model() -> SileroVad:
    return SileroVad()


@dataclass
class Call:
    """A call's people over a real engine, book and bridge; the floor and the audits are noted."""

    model: SileroVad
    desk: Desk = field(default_factory=Desk)
    told: list[Any] = field(default_factory=list)  # the floor
    handlers: list[str] = field(default_factory=list)
    hushed: int = 0
    now: float = 100.0

    def __post_init__(self) -> None:
        ticker = Ticker()
        ingress = Ingress(VadService(ticker, self.model))
        egress = Egress(MediaStream(), lambda text: None, ticker, lambda: self.now)
        self.people = Attending(
            self.desk.engine,
            self.desk.book,
            Bridge(ingress, egress, RECONNECT),
            SecondOpinions(self.desk.engine, self.desk.book, self, self),
            self,
            self.desk.screen,
            self._hush,
        )

    def _hush(self) -> None:
        self.hushed += 1

    def tell(self, command: Any) -> None:
        self.told.append(command)

    def began(self, call_id: str, language: str) -> FloorReported:
        raise AssertionError("the owner asks, not this")

    def opened(self, turn: TurnOpened) -> None:
        raise AssertionError("no turn is answered here")

    def chosen(self, call_id: str, turn: int, choice: Choice) -> None:
        raise AssertionError("no turn is answered here")

    def automated(self, item: AuditItem) -> None:
        raise AssertionError("nothing is automated here")

    def referred(self, item: AuditItem, propensity: float) -> None:
        raise AssertionError("nothing is moderated here")

    def handled_by(self, call_id: str, operator_id: str) -> None:
        self.handlers.append(operator_id)

    def assign(self, operator_id: str = "ana", epoch: int = 1) -> None:
        """The floor gives the call to somebody; what the core wants then is done."""
        self.people.on_floor(at.FloorSaid(self.desk.assignment(operator_id, epoch)), self.now)
        self.settle()

    def settle(self) -> None:
        for command in self.desk.engine.take_commands():
            match command:
                case ConnectOperator():
                    self.people.connect(command)
                case DisconnectOperator():
                    self.people.disconnect(command)

    @property
    def state(self) -> State:
        return self.desk.engine.state


@pytest.fixture
async def call(model: SileroVad) -> Call:
    return Call(model)


async def test_an_operator_gets_a_leg_and_talks_once_it_has_audio(call: Call) -> None:
    call.assign()
    assert call.people.leg is not None
    assert call.desk.screen.bridges == {"ana": ("CA1", 1)}
    assert (call.handlers, call.state, call.hushed) == (["ana"], State.BRIDGING, 0)
    call.people.on_leg_attached(at.LegAttached(1), call.now)
    assert (call.state, call.hushed) == (State.OPERATOR, 1)


async def test_a_leg_of_yesterday_changes_nothing(call: Call) -> None:
    call.assign(epoch=2)
    call.people.on_leg_attached(at.LegAttached(1), call.now)
    call.people.on_leg_detached(at.LegDetached(1), call.now)
    assert (call.state, call.hushed, call.people.next_deadline()) == (State.BRIDGING, 0, None)


async def test_what_the_core_takes_no_notice_of_leaves_no_trace(call: Call) -> None:
    call.assign("ana", epoch=2)
    call.assign("sam", epoch=1)
    call.people.on_floor(at.FloorSaid(NobodyAvailable(3)), call.now)
    assert call.handlers == ["ana"]
    assert (call.state, list(call.desk.screen.bridges)) == (State.BRIDGING, ["ana"])


async def test_audio_may_come_back_for_a_while_and_then_the_operator_is_lost(call: Call) -> None:
    call.assign()
    call.people.on_leg_attached(at.LegAttached(1), call.now)
    call.people.on_leg_detached(at.LegDetached(1), call.now)
    assert call.people.next_deadline() == call.now + RECONNECT
    call.people.on_leg_attached(at.LegAttached(1), call.now + 1)
    assert call.people.next_deadline() is None
    call.people.on_leg_detached(at.LegDetached(1), call.now + 2)
    call.people.on_deadline(call.now + 2 + RECONNECT)
    call.settle()
    assert call.state is not State.OPERATOR
    assert (call.people.leg, call.people.next_deadline()) == (None, None)
    assert call.desk.screen.unbridged_why == ["lost"]
    assert call.told == [DisconnectOperator("CA1", "ana", "lost", 1)]


async def test_one_who_hands_back_has_the_call_no_longer(call: Call) -> None:
    call.assign()
    call.people.on_leg_attached(at.LegAttached(1), call.now)
    call.people.on_leg_spoke(at.LegSpoke(1), call.now)
    call.people.on_floor(at.FloorSaid(HandedBack("ana", "done", 1)), call.now)
    call.settle()
    assert (call.state, call.people.leg) == (State.AI, None)
    assert call.desk.screen.unbridged_why == ["handed_back"]


async def test_the_floor_is_told_what_the_core_wants_of_it(call: Call) -> None:
    wanted = call.desk.request()
    takeover = RequestTakeover("CA1", "ana")
    withdrawal = WithdrawRequest("CA1", "withdrawn", 1)
    call.people.request(wanted)
    call.people.request_takeover(takeover)
    call.people.withdraw(withdrawal)
    assert call.told == [wanted, takeover, withdrawal]


async def test_an_operator_of_a_call_that_broke_is_told_once(call: Call) -> None:
    call.people.broke()
    assert call.desk.screen.unbridged_why == []
    call.assign()
    call.people.broke()
    call.people.broke()
    assert call.desk.screen.unbridged_why == ["call_broke"]


async def test_a_call_that_ends_closes_the_leg_and_leaves_the_rest_to_the_core(call: Call) -> None:
    call.assign()
    call.people.close()
    assert call.people.leg is None
    assert call.desk.screen.unbridged_why == []
