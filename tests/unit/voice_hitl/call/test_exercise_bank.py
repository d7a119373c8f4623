from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from handoff.errors import StorageError
from handoff.policy import Policy
from handoff.ports import MachineRecord
from handoff.testing import MemoryStore
from voice_hitl.call.exercise_bank import ExerciseBank, answered
from voice_hitl.call.journal import Journal
from voice_hitl.clock import Clock

ALWAYS = Policy.from_mapping({"care": {"exercise_every": 1, "exercises_per_hour": 60}}, "test")


@dataclass(frozen=True)
class Coin:
    """Something whose right answer is known."""

    key: str
    truth: str
    owner: str = ""

    def is_known_to(self, operator_id: str) -> bool:
        return operator_id == self.owner

    def kept(self, wall: float) -> MachineRecord:
        return MachineRecord("coins", self.key, wall, "kept", detail={"truth": self.truth})


def read(record: MachineRecord) -> Coin:
    if "truth" not in record.detail:
        raise StorageError("no coin")
    return Coin(record.key, str(record.detail["truth"]))


class Office:
    """A bank, and what it put into the journal."""

    def __init__(self, kept: Iterable[MachineRecord] = ()) -> None:
        self.put: list[object] = []
        self.scored: list[tuple[str, float, bool]] = []
        journal = Journal(MemoryStore())
        journal.on_put = self.put.append
        self.bank = ExerciseBank(
            ALWAYS,
            b"key",
            kept,
            read,
            "coins",
            "coins_served",
            Clock.of_running_loop(),
            journal,
            lambda _: 12.0,
            lambda *score: self.scored.append(score),
        )


@pytest.fixture
async def office() -> Office:
    return Office()


async def test_an_item_is_drawn_kept_with_whom_it_goes_to_and_scored(office: Office) -> None:
    assert office.bank.drawn("ana") == []
    office.bank.add(Coin("one", "heads"))
    (serve,) = office.bank.drawn("ana")
    item, _ = office.bank.serving(serve)
    assert item == Coin("one", "heads")
    assert office.bank.is_exercise(serve.item_id)
    scored = office.bank.score(serve.item_id, "ana", "heads")
    assert scored is not None
    assert (scored.right, office.scored) == (True, [("ana", 12.0, True)])
    kinds = [(each.machine, each.state) for each in office.put if isinstance(each, MachineRecord)]
    assert kinds == [("coins", "kept"), ("coins_served", "served"), ("coins_served", "answered")]
    (last,) = [each for each in office.put if getattr(each, "state", "") == "answered"]
    assert isinstance(last, MachineRecord)
    assert answered(last) == ("ana", 12.0, True)
    assert office.bank.score(serve.item_id, "ana", "tails") is None  # said once


async def test_what_lapsed_counts_no_more(office: Office) -> None:
    office.bank.add(Coin("one", "heads"))
    (serve,) = office.bank.drawn("ana")
    office.bank.lapse(serve.item_id)
    assert office.bank.score(serve.item_id, "ana", "heads") is None
    assert office.scored == []


async def test_what_the_last_run_kept_goes_on_but_for_what_cannot_be_read(office: Office) -> None:
    office.bank.add(Coin("one", "heads"))
    (serve,) = office.bank.drawn("ana")
    office.bank.serving(serve)
    left = [each for each in office.put if isinstance(each, MachineRecord)]
    left += [MachineRecord(name, "bad", 1.0, "kept") for name in ("coins", "coins_served")]
    later = Office(left)
    assert later.bank.drawn("ana") == []  # she has seen the only one
    (again,) = later.bank.drawn("bob")
    assert later.bank.serving(again)[0] == Coin("one", "heads")


async def test_who_knows_one_is_served_another_and_nothing_is_lost_on_them(office: Office) -> None:
    office.bank.add(Coin("one", "heads", owner="ana"))
    for _ in range(5):
        assert office.bank.drawn("ana") == []
    assert len(office.bank.drawn("bob")) == 1
    office.bank.add(Coin("two", "tails"))
    (serve,) = office.bank.drawn("ana")
    assert serve.exercise.exercise_id == "two"


def test_what_was_only_served_has_no_answer() -> None:
    assert answered(MachineRecord("coins_served", "x", 1.0, "served")) is None
