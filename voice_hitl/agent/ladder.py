"""An agent made of several: a cheap one is asked first, a capable one where it is not sure enough.

`handoff.ladder` decides who is asked, for how long and how sure they must be; here the agents are asked, each
in a thread of its own small pool. Whoever understands the turn well enough answers it. What holds besides:

- A request for a person, or danger, settles a turn at once: the core brings a person whatever others think.
- Somebody understood the turn, nobody surely enough: a person is needed. The core gets the best guess at its
  low confidence, and the reply breaks with `AgentError`, which is the hard trigger `component_failed`; the
  guess is in the operator's brief. In safe mode nobody could come a moment ago: the caller is asked to say it
  in other words, and the core's rule of two such turns in a row asks for a person again.
- Nobody made anything of the turn (noise): its first reader asks the caller again, as it would alone.
- An agent that does not answer in its slice is cut: what it says later is ignored and counted, and until
  then it is not asked anything.
- An agent hears the turns that it is asked about. Of all else it is told right before it is next asked, if it
  has a method `catch_up` (`protocol.CatchesUp`); hand-backs by `resume`.
- Silence goes to whoever spoke last: it is their question that was not answered.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from handoff.calibration import Platt
from handoff.errors import PolicyError
from handoff.ladder import LadderCommand, LadderStats, rungs_of
from handoff.policy import Policy
from voice_hitl.agent.climbing import Ladder, LadderConversation
from voice_hitl.agent.protocol import Agent
from voice_hitl.agent.seats import Seat

WORKERS = (
    8  # calls that an agent works for at a time; further ones wait, and are cut like slow ones
)


def rung_name(path: str) -> str:
    """What an agent of the setting `agent.ladder` is called in the policy: "flow", or its class."""
    return path.rpartition(":")[2]


def check_names(names: Sequence[str], policy: Policy) -> None:
    """Raise `PolicyError` unless the policy's `ladder.rungs` are these agents in this order."""
    named = [rung.name for rung in policy.ladder.rungs]
    if named != list(names):
        raise PolicyError(
            f"field 'ladder.rungs' names {', '.join(named) or 'nobody'} and agent.ladder "
            f"{', '.join(names)}: name the same agents in the same order"
        )


class LadderAgent:
    """Implements `voice_hitl.agent.protocol.Agent` with several of them."""

    def __init__(
        self,
        agents: Mapping[str, Agent],
        policy: Policy,
        *,
        apology: Sequence[str],
        clock: Callable[[], float] = time.monotonic,
        workers: int = WORKERS,
    ) -> None:
        """`agents` from cheap to capable, by the names that the policy's `ladder.rungs` gives them.

        `apology`: what a caller hears whose turn nobody was sure of while no person can come. Raises
        `PolicyError` when the names differ.
        """
        check_names(list(agents), policy)
        self.name = " > ".join(agents)
        calibrations = {rung.name: Platt(rung.slope, rung.offset) for rung in policy.ladder.rungs}
        rungs = {rung.name: rung for rung in rungs_of(policy, calibrations)}
        self.stats = LadderStats()
        self._shared = Ladder(policy, rungs, tuple(apology), clock, self._count)
        self._counting = threading.Lock()
        self._agents = dict(agents)
        self._pools = {
            name: ThreadPoolExecutor(workers, thread_name_prefix=f"rung-{name}") for name in agents
        }

    def converse(self, call_id: str, parameters: Mapping[str, str]) -> LadderConversation:
        """Start a conversation with every agent."""
        seats = [
            Seat(name, agent.converse(call_id, parameters), self._pools[name])
            for name, agent in self._agents.items()
        ]
        return LadderConversation(self._shared, call_id, seats)

    def _count(self, command: LadderCommand) -> None:
        """Count what a turn's machine says; from any thread."""
        with self._counting:
            self.stats.add(command)

    async def aclose(self) -> None:
        """Release what the agents hold."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)
        for agent in self._agents.values():
            await agent.aclose()
