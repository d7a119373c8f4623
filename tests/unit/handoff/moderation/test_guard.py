from __future__ import annotations

import time

import pytest

from handoff.errors import PolicyError
from handoff.moderation import KnownTexts, Line, Moderator, Route, Speaker, fingerprint
from handoff.moderation.guard import HEARD
from handoff.policy import Policy

POLICY = Policy()
SAFE = POLICY.moderation.safe_line
KEY = b"a secret"


def a_line(
    speaker: Speaker = Speaker.AGENT, text: str = "hello", name: str = "1", **more: str
) -> Line:
    return Line(name, "call-1", 2, speaker, text, **more)


def scored(score: float, speaker: Speaker = Speaker.AGENT) -> tuple[Route, str | None, bool]:
    judged = Moderator(POLICY, key=KEY, scorer=lambda _: score).judge(a_line(speaker))
    return judged.route, judged.say, judged.review


@pytest.mark.parametrize(
    ("score", "route", "say"),
    [
        (0.95, Route.BLOCK, SAFE),
        (0.9499, Route.HOLD, SAFE),
        (0.60, Route.HOLD, SAFE),
        (0.5999, Route.FLAG, "hello"),
        (0.30, Route.FLAG, "hello"),
        (0.2999, Route.PASS, "hello"),
        (0.0, Route.PASS, "hello"),
    ],
)
def test_scores_are_routed_at_the_thresholds(score: float, route: Route, say: str) -> None:
    assert scored(score)[:2] == (route, say)
    if route is not Route.PASS:
        assert scored(score)[2], "a person looks at all that did not simply pass"


@pytest.mark.parametrize("score", [float("nan"), -0.1, 1.1])
def test_a_broken_classifier_lets_nothing_pass(score: float) -> None:
    judged = Moderator(POLICY, key=KEY, scorer=lambda _: score).judge(a_line())
    assert (judged.route, judged.reason) == (Route.HOLD, "bad_score")


def test_a_callers_blocked_line_is_never_replaced() -> None:
    moderator = Moderator(POLICY, key=KEY, scorer=float)
    caller = moderator.judge(a_line(Speaker.CALLER, "0.97"))
    assert (caller.route, caller.say) == (Route.BLOCK, None)


def test_known_texts_decide_before_the_classifier() -> None:
    known = KnownTexts()
    moderator = Moderator(POLICY, key=KEY, known=known, scorer=lambda _: 0.0)
    line = a_line(text="your sh0p d o w n", before="I will burn")
    assert moderator.judge(line).route is Route.PASS
    entry = fingerprint("I will burn your shop down")
    known.add(entry)  # while in use
    judged = moderator.judge(line)
    assert (judged.route, judged.layer, judged.reason) == (Route.BLOCK, "known", entry)


def test_agents_may_not_say_a_card_number_and_callers_may() -> None:
    moderator = Moderator(POLICY, key=KEY)
    card = "it is 4111 1111 1111 1111"
    agent = moderator.judge(a_line(Speaker.AGENT, card))
    assert (agent.route, agent.layer, agent.reason) == (Route.BLOCK, "pattern", "card_number")
    assert agent.say == SAFE
    assert moderator.judge(a_line(Speaker.CALLER, card)).route is Route.PASS


def test_what_passes_is_audited_at_the_policys_rate_and_always_the_same() -> None:
    moderator = Moderator(POLICY, key=KEY)
    lines = [a_line(name=f"call-{number}") for number in range(10_000)]
    judged = [moderator.judge(line) for line in lines]
    assert {j.propensity for j in judged} == {0.02}
    share = sum(j.review for j in judged) / len(judged)
    assert abs(share - 0.02) < 4 * (0.02 * 0.98 / len(judged)) ** 0.5
    assert judged == [moderator.judge(line) for line in lines]


def test_without_a_key_nothing_is_sampled_in_secret() -> None:
    with pytest.raises(ValueError, match="key is empty"):
        Moderator(POLICY, key=b"")


def test_thresholds_that_rise_are_refused() -> None:
    with pytest.raises(PolicyError, match="must not rise"):
        Policy.from_mapping({"moderation": {"hold": 0.2}}, "test")


def test_a_sentence_takes_less_than_a_millisecond_beside_a_long_list() -> None:
    names = [f"{first}{second}" for first in "abcdefghjkmnopq" for second in "rstuvwxyz"]
    known = KnownTexts(
        fingerprint(f"never say the {a} {b} thing") for a in names for b in names[:9]
    )
    moderator = Moderator(POLICY, key=KEY, known=known)
    line = a_line(text="thank you, your new card is on its way and should be with you in two days")

    def seconds() -> float:
        start = time.perf_counter()
        moderator.judge(line)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(50)) < 0.001


@pytest.mark.parametrize("words", [0, 1, 150, 151, 152, 5000])
def test_a_known_text_at_the_end_of_a_turn_is_found_however_long_the_turn(words: int) -> None:
    phrase = " ".join(["burn your shop down now"] * 20)  # 380 letters, the longest are 400
    known = KnownTexts([fingerprint(phrase)])
    moderator = Moderator(POLICY, key=KEY, known=known)
    line = a_line(Speaker.CALLER, " ".join([*["well"] * words, phrase]))
    assert moderator.judge(line).layer == "known"


@pytest.mark.parametrize("before", ["x", "x" * 5000, "so " * 5000, "so" * 2500 + " "])
def test_of_a_long_turn_the_end_is_judged_and_of_an_answer_everything(before: str) -> None:
    seen: list[str] = []

    def score(text: str) -> float:
        seen.append(text)
        return 0.0

    moderator = Moderator(POLICY, key=KEY, scorer=score)
    text = before + "and then we leave"
    for speaker in Speaker:
        moderator.judge(a_line(speaker, text))
    heard, said = seen
    assert said == text
    assert text.endswith(heard)
    assert heard == text if len(text) <= HEARD else 0 < len(heard) <= HEARD
    assert heard.endswith("then we leave")
