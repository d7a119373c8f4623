"""Recorded calls as dialogue acts, without words, read as the troubles that the live signals would show.

The shape is that of `betold` (Apache-2.0, telepathylabsai/BETOLD_dataset): phone calls of a garage's booking
agent, `{call_id, turns: [{speaker, acts: [{act, entities}]}], outcome: handed_off | completed}`. What such a
record cannot show (sound, certainty, tone) stays 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handoff.fitting import fit_head
from handoff.labels import HORIZON
from handoff.risk import Head
from handoff.signals import Recent
from handoff.signals.dialogue import LONG_CALL_TURNS, STUCK_LIMIT

SHORTEST = 3  # turns of a prefix; less is clairvoyance

NOT_UNDERSTOOD = frozenset({"inconclusive", "noise", "other"})  # of the caller's acts
REQUESTS = frozenset(
    {"user_initial_request", "schedule", "reschedule", "ask_for_transportation_types"}
)
PLAIN_NO = frozenset(
    {"ask_additional_service", "ask_if_current_client"}
)  # "no" is no correction here
FAILED = frozenset(
    {
        "failed_schedule_warning",
        "fail_retrieve_user_info",
        "date_schedule_no_longer_exists",
        "no_more_schedule_appointments",
    }
)
REFUSED = frozenset(
    {
        "did_not_understand",
        "time_asked_unavailable_propose_new",
        "asked_date_too_far",
        "no_dates_available",
        "no_dates_available_try_new_transportation_type",
        "transportation_type_unavailable",
    }
)
FAILURES = ("low_intent_confidence", "tool_errors", "apologies")
ASKING = (
    "ask_",
    "disambiguate_",
    "transportation_of_",
    "propose_other_",
    "new_user_",
    "confirm_phone",
)


@dataclass(frozen=True, slots=True)
class Prefix:
    """A call up to one of the caller's turns."""

    call_id: str
    turns: int  # speaker turns so far
    recent: tuple[float, ...]  # troubles as the live signals sum them up
    troubled: int  # troubles of all turns so far, the age of the call apart
    failed: bool  # this turn: not understood, or something the agent tried failed or was refused
    label: bool  # handed off within the next `HORIZON` turns


def prefixes(call: Mapping[str, Any]) -> Iterator[Prefix]:
    """The strict prefixes of a call that end after a caller's turn, `SHORTEST` turns or more."""
    recent, reader, troubled = Recent(), _Reader(), 0
    length = len(call["turns"])
    broke = call["outcome"] == "handed_off"
    for done, turn in enumerate(call["turns"], start=1):
        if turn["speaker"] == "agent":
            reader.agent(turn["acts"])
            continue
        now = reader.caller(turn["acts"])
        sums = recent.update(now)
        troubled += sum(value > 0 for code, value in now.items() if code != "long_call")
        if SHORTEST <= done < length:
            failed = any(now[code] > 0 for code in FAILURES)
            soon = broke and length - done <= HORIZON
            yield Prefix(call["call_id"], done, sums, troubled, failed, soon)


def fit_breakdown(calls: Iterable[Mapping[str, Any]], prior: Head) -> Head:
    """Fit *h* on recorded calls; the age of a call is held apart, so that trouble alone carries weight."""
    found = [prefix for call in calls for prefix in prefixes(call)]
    age: NDArray[np.float64] = np.array([[prefix.turns / 10] for prefix in found])
    return fit_head(
        np.array([prefix.recent for prefix in found]),
        np.array([float(prefix.label) for prefix in found]),
        prior=prior,
        nuisance=np.hstack([age, age**2]),
    )


class _Reader:
    """What must be remembered of a call to read its next turn."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()
        self._said: set[tuple[str, tuple[str, ...]]] = set()
        self._last: frozenset[str] = frozenset()
        self._stuck = 0
        self._turns = 0
        self._failed = self._refused = 0.0

    def agent(self, acts: list[Mapping[str, Any]]) -> None:
        """The agent's turn."""
        self._last = frozenset(act["act"] for act in acts)
        questions = [act for act in self._last if act.startswith(ASKING)]
        self._asked.update(questions)
        self._stuck = max((self._asked[act] for act in questions), default=0)
        self._failed = max(self._failed, float(bool(self._last & FAILED)))
        self._refused = max(self._refused, float(bool(self._last & REFUSED)))

    def caller(self, acts: list[Mapping[str, Any]]) -> dict[str, float]:
        """The caller's turn; returns its troubles."""
        self._turns += 1
        names = {act["act"] for act in acts}
        requests = {
            (act["act"], tuple(sorted(act["entities"])))
            for act in acts
            if act["act"] in REQUESTS or act["act"].startswith("q_")
        }
        troubles = {
            "low_intent_confidence": float(bool(names & NOT_UNDERSTOOD)),
            "repeats": float(bool(requests & self._said)),
            "rephrasing": float("rephrase" in names),
            "negations": float("negate" in names and not self._last & PLAIN_NO),
            "stuck_slot": min(max(self._stuck - 1, 0), STUCK_LIMIT) / STUCK_LIMIT,
            "long_call": min(1.0, max(0, self._turns - LONG_CALL_TURNS) / LONG_CALL_TURNS),
            "tool_errors": self._failed,
            "apologies": self._refused,
        }
        self._said |= requests
        self._failed = self._refused = 0.0
        return troubles
