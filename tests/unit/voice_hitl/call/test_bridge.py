from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field

import pytest

from voice_hitl.audio import g711
from voice_hitl.call.bridge import FRAME_BYTES, MAX_AGE_SECONDS, OperatorLeg

FRAME = bytes(range(160))


@dataclass
class World:
    played: list[bytes] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    def leg(self) -> OperatorLeg:
        return OperatorLeg(
            "CA1",
            "op_1",
            7,
            play=self.played.append,
            on_attached=lambda: self.happened.append("attached"),
            on_detached=lambda: self.happened.append("detached"),
            on_first_frame=lambda: self.happened.append("first"),
        )


@pytest.fixture
def world() -> World:
    return World()


async def test_operator_frames_reach_the_caller_as_mu_law(world: World) -> None:
    leg = world.leg()
    leg.attach()
    message = struct.pack("<I", 0) + g711.decode_bytes(FRAME)
    assert leg.from_operator(message)
    assert leg.from_operator(message)
    assert [g711.decode_bytes(frame) for frame in world.played] == [g711.decode_bytes(FRAME)] * 2
    assert world.happened == ["attached", "first"]


@pytest.mark.parametrize("size", [0, 4, FRAME_BYTES - 1, FRAME_BYTES + 1])
async def test_frames_of_another_size_are_refused(world: World, size: int) -> None:
    assert not world.leg().from_operator(bytes(size))
    assert world.played == []


async def test_caller_frames_are_numbered_for_the_operator(world: World) -> None:
    leg = world.leg()
    number = leg.attach()
    leg.from_caller(FRAME)
    leg.from_caller(FRAME)
    first, second = await leg.to_operator(number)
    assert (first[:4], second[:4]) == (struct.pack("<I", 0), struct.pack("<I", 1))
    assert first[4:] == g711.decode_bytes(FRAME)


async def test_a_slow_operator_loses_the_oldest_audio(world: World) -> None:
    leg = world.leg()
    number = leg.attach()
    fits = round(MAX_AGE_SECONDS / 0.02)
    for n in range(fits + 3):
        leg.from_caller(bytes([n]) * 160)
    messages = await leg.to_operator(number)
    assert leg.dropped == 3
    assert len(messages) == fits
    assert messages[0][4:] == g711.decode_bytes(bytes([3]) * 160)


async def test_without_a_socket_nothing_piles_up(world: World) -> None:
    leg = world.leg()
    leg.from_caller(FRAME)
    leg.close()
    assert await leg.to_operator(0) == []


async def test_closing_wakes_the_waiting_writer(world: World) -> None:
    leg = world.leg()
    number = leg.attach()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(leg.to_operator(number))
        tasks.create_task(asyncio.to_thread(lambda: None))
        asyncio.get_running_loop().call_soon(leg.close)
    assert waiting.result() == []


async def test_a_replaced_socket_is_no_loss(world: World) -> None:
    leg = world.leg()
    first = leg.attach()
    second = leg.attach()
    leg.detach(first)
    assert world.happened == ["attached"]
    leg.detach(second)
    assert world.happened == ["attached", "detached"]
    leg.detach(second)
    assert world.happened == ["attached", "detached"]


async def test_a_replaced_socket_neither_hears_nor_speaks(world: World) -> None:
    leg = world.leg()
    first = leg.attach()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(leg.to_operator(first))
        await asyncio.sleep(0)
        second = leg.attach()
    assert waiting.result() == []
    leg.from_caller(FRAME)
    assert await leg.to_operator(first) == []
    assert len(await leg.to_operator(second)) == 1
    assert leg.from_operator(bytes(FRAME_BYTES), first)
    assert world.played == []
    assert leg.from_operator(bytes(FRAME_BYTES), second)
    assert len(world.played) == 1


async def test_after_the_end_frames_go_nowhere(world: World) -> None:
    leg = world.leg()
    leg.attach()
    leg.close()
    assert leg.from_operator(bytes(FRAME_BYTES))
    leg.detach()
    assert world.played == []
    assert world.happened == ["attached"]
