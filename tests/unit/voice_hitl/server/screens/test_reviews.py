from __future__ import annotations

import pytest

from handoff.review import Choice, RevealChoice, ShowReview
from voice_hitl.clock import Clock
from voice_hitl.server import wire
from voice_hitl.server.screens.reviews import ReviewScreens

INTENTS = {"balance": "the balance", "transfer": "moving money"}
ASK = ShowReview("CA1:3", "CA1", 3, "Caller: move it", "financial", 100.0)
Told = list[tuple[str, wire.WireModel]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def watchers() -> dict[str, list[str]]:
    return {}


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
async def screens(told: Told, watchers: dict[str, list[str]], shown: list[str]) -> ReviewScreens:
    return ReviewScreens(
        Clock.of_running_loop(),
        INTENTS,
        lambda *each: told.append(each),
        lambda call_id: watchers.get(call_id, ()),
        shown.append,
    )


def kinds(told: Told) -> list[tuple[str, str]]:
    """Whom, and what; of a review that is over why."""
    return [
        (who, getattr(message, "reason", "") or type(message).__name__) for who, message in told
    ]


def choose(intent: str | None, text: str = "") -> wire.ReviewChoice:
    return wire.ReviewChoice(review_id="CA1:3", intent=intent, text=text)


async def test_whoever_is_free_is_shown_a_turn_and_who_becomes_free_as_well(
    screens: ReviewScreens, told: Told
) -> None:
    screens.freed("ana")
    screens.review_coming("CA1:3", "CA1")
    assert told == []
    screens.review_asked(ASK, 120.0)
    screens.freed("bob")
    screens.freed("ana")  # told again
    assert kinds(told) == [("ana", "ReviewAsked"), ("bob", "ReviewAsked")]
    (view,) = screens.of("bob")
    assert (view.question, view.turn, view.seconds) == ("Caller: move it", 3, 120.0)
    assert [(choice.intent, choice.label) for choice in view.choices] == list(INTENTS.items())
    assert "financial" not in view.model_dump_json()  # the category comes of the AI's reading
    assert screens.of("carl") == []


async def test_who_sees_what_the_ai_makes_of_the_call_is_not_asked(
    screens: ReviewScreens, told: Told, watchers: dict[str, list[str]]
) -> None:
    for operator_id in ("ana", "bob", "carl", "dora"):
        screens.freed(operator_id)
    screens.review_coming("CA1:3", "CA1")
    screens.informed("ana", "CA1")  # between the draw and the showing
    watchers["CA1"] = ["bob"]
    screens.review_asked(ASK, 120.0)
    assert kinds(told) == [("carl", "ReviewAsked"), ("dora", "ReviewAsked")]
    screens.informed("carl", "CA1")
    screens.informed("dora", "CA2")
    assert kinds(told)[2:] == [("carl", "informed")]
    screens.busy("carl")
    screens.freed("carl")
    assert len(told) == 3  # they know for good


async def test_a_call_is_secret_until_its_reviews_are_over_and_then_shown_again(
    screens: ReviewScreens, shown: list[str]
) -> None:
    assert not screens.is_secret("CA1")
    screens.review_coming("CA1:3", "CA1")
    screens.review_coming("CA1:4", "CA1")
    assert screens.is_secret("CA1")
    assert not screens.is_secret("CA2")
    screens.review_over("CA1:3", "skipped", None)
    assert screens.is_secret("CA1")
    screens.review_over("CA1:4", "lapsed", None)
    assert not screens.is_secret("CA1")
    screens.review_over("CA1:4", "lapsed", None)
    assert shown == ["CA1", "CA1"]


async def test_one_chooses_and_the_others_are_told(screens: ReviewScreens, told: Told) -> None:
    for operator_id in ("ana", "bob"):
        screens.freed(operator_id)
    screens.review_asked(ASK, 120.0)
    told.clear()
    assert screens.chooses("ana", choose("balance")) is None
    assert screens.of("ana") == []
    screens.review_withdrawn("CA1:3", "taken")
    screens.review_over("CA1:3", "different", "ana")
    assert kinds(told) == [("bob", "taken"), ("ana", "different")]
    screens.freed("carl")
    assert len(told) == 2


@pytest.mark.parametrize(
    ("who", "choice", "why"),
    [
        ("ana", choose("weather"), "no such intent"),
        ("bob", choose("balance"), "not yours"),
        (
            "ana",
            wire.ReviewChoice(review_id="CA9:1", intent="balance"),
            "over",
        ),
    ],
)
async def test_what_nobody_was_asked_is_no_choice(
    screens: ReviewScreens, who: str, choice: wire.ReviewChoice, why: str
) -> None:
    screens.freed("ana")
    screens.review_asked(ASK, 120.0)
    answer = screens.chooses(who, choice)
    assert answer is not None
    assert why in answer
    assert [view.review_id for view in screens.of("ana")] == ["CA1:3"]


async def test_a_choice_in_words_is_none_of_the_intents(screens: ReviewScreens) -> None:
    screens.freed("ana")
    screens.review_asked(ASK, 120.0)
    assert screens.chooses("ana", choose(None, "tell them to wait")) is None
    with pytest.raises(ValueError, match="say in words"):
        choose(None, "  ")


async def test_who_is_busy_is_asked_no_more(screens: ReviewScreens, told: Told) -> None:
    screens.freed("ana")
    screens.review_asked(ASK, 120.0)
    screens.busy("ana")
    assert kinds(told)[1:] == [("ana", "busy")]
    assert screens.of("ana") == []
    screens.freed("ana")
    assert [view.review_id for view in screens.of("ana")] == ["CA1:3"]


async def test_the_ais_choice_is_shown_to_who_has_chosen_until_it_is_over(
    screens: ReviewScreens, told: Told
) -> None:
    screens.freed("ana")
    screens.review_asked(ASK, 120.0)
    screens.chooses("ana", choose(None, "wait"))
    ai = Choice("transfer", "digest", "move 50 dollars")
    screens.review_revealed(RevealChoice("CA1:3", "ana", ai, Choice(text="wait"), 9.0), 60.0)
    (reveal,) = screens.reveals("ana")
    assert (reveal.ai.label, reveal.ai.text, reveal.mine.text) == (
        *("moving money", "move 50 dollars"),
        "wait",
    )
    assert reveal.mine.intent is None
    assert told[-1] == ("ana", reveal)
    assert screens.reveals("bob") == []
    screens.review_refused("bob", "CA1:3", "taken")
    screens.review_over("CA1:3", "equal", "ana")
    assert screens.reveals("ana") == []
    assert kinds(told)[-2:] == [("bob", "taken"), ("ana", "equal")]
