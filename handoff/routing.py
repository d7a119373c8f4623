"""Who is asked next for a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from handoff.events import Seniority
from handoff.operators import Operator
from handoff.queue import Waiting
from handoff.triage import Band

Allowed = Callable[[Operator, Waiting, float], bool]
Preference = Callable[[Operator, Waiting, float], float]


def anyone(_operator: Operator, _waiting: Waiting, _now: float) -> bool:
    """Nobody looks after the operators: all may be asked."""
    return True


def no_opinion(_operator: Operator, _waiting: Waiting, _now: float) -> float:
    """Nobody prefers anyone."""
    return 0.0


def suits(operator: Operator, waiting: Waiting) -> bool:
    """Whether an operator has what a call needs; someone without listed skills takes anything."""
    return operator.can(waiting.request.skill, waiting.request.language)


def fits(operator: Operator, waiting: Waiting) -> bool:
    """Whether a call may ring at an operator as far as skill and language go: also one who does not suit it,
    if they are on call, it is critical and nobody suits it."""
    on_call = operator.seniority is Seniority.ON_CALL
    return suits(operator, waiting) or (on_call and waiting.critical and waiting.misfits)


def choose(
    operators: Iterable[Operator],
    waiting: Waiting,
    now: float = 0.0,
    allowed: Allowed = anyone,
    preference: Preference = no_opinion,
) -> Operator | None:
    """The one to ask: free (for this call), fitting, not asked yet and allowed.

    Among them: those to be skipped last; the band's own first (a senior's call is kept for seniors until
    `seniors_until`, as long as one may still come); then whoever holds the least light work, is preferred,
    has been idle for longest.
    """
    everyone = list(operators)
    skip = set(waiting.request.skip)
    senior_first = waiting.band is Band.SENIOR or waiting.critical
    candidates = [
        operator
        for operator in everyone
        if operator.free_for(critical=waiting.critical)
        and operator.operator_id not in waiting.tried
        and fits(operator, waiting)
        and allowed(operator, waiting, now)
    ]
    if now < waiting.seniors_until:
        seniors = [o for o in everyone if o.seniority is not Seniority.STANDARD]
        if may_come(seniors, waiting, now, allowed):
            candidates = [o for o in candidates if o.seniority is not Seniority.STANDARD]
    return min(
        candidates,
        key=lambda o: (
            o.operator_id in skip,
            (o.seniority is Seniority.STANDARD) is senior_first,
            o.load,
            preference(o, waiting, now),
            o.idle_since,
            o.operator_id,
        ),
        default=None,
    )


def may_come(
    operators: Iterable[Operator],
    waiting: Waiting,
    now: float = 0.0,
    allowed: Allowed = anyone,
) -> bool:
    """Whether someone who fits, may be asked and has not been is only busy now."""
    return any(
        operator.comes_back
        and operator.operator_id not in waiting.tried
        and fits(operator, waiting)
        and allowed(operator, waiting, now)
        for operator in operators
    )


def may_ask_again(
    operators: Iterable[Operator], waiting: Waiting, now: float, allowed: Allowed = anyone
) -> bool:
    """Whether someone who was asked in this round still wants calls."""
    return any(
        operator.wants_calls
        and operator.operator_id in waiting.tried
        and fits(operator, waiting)
        and allowed(operator, waiting, now)
        for operator in operators
    )
