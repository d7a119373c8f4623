"""Who is asked next for a call."""

from __future__ import annotations

from collections.abc import Iterable

from handoff.operators import Operator
from handoff.queue import Waiting


def fits(operator: Operator, waiting: Waiting) -> bool:
    """Whether an operator has what a call needs; someone without listed skills takes anything."""
    skill, language = waiting.request.skill, waiting.request.language
    skilled = skill is None or not operator.skills or skill in operator.skills
    speaks = language is None or not operator.languages or language in operator.languages
    return skilled and speaks


def choose(operators: Iterable[Operator], waiting: Waiting) -> Operator | None:
    """The one to ask: free, fitting, not asked yet; longest idle first, those to be skipped last."""
    skip = set(waiting.request.skip)
    candidates = [
        operator
        for operator in operators
        if operator.free and operator.operator_id not in waiting.tried and fits(operator, waiting)
    ]
    return min(
        candidates,
        key=lambda o: (o.operator_id in skip, o.idle_since, o.operator_id),
        default=None,
    )


def may_come(operators: Iterable[Operator], waiting: Waiting) -> bool:
    """Whether someone who fits and has not been asked is only busy now."""
    return any(
        operator.comes_back
        and operator.operator_id not in waiting.tried
        and fits(operator, waiting)
        for operator in operators
    )
