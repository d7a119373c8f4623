from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.calibration import ece
from voice_hitl.agent.cues import Detector, has_phrase, person_detector
from voice_hitl.agent.flow import Models
from voice_hitl.agent.languages import load_language
from voice_hitl.agent.text import plain

DATA = Path(os.environ.get("VOICE_HITL_DATA", "../shared/data"))


@pytest.mark.parametrize(
    "text",
    [
        "i want to talk to a person",
        "listen i lost my card and i really want to speak with a human being about it now",
        "could you put somebody on the phone please",
        "no machine please give me an agent",
        "is there anybody else i can talk to",
    ],
)
def test_asking_for_a_person(models: Models, text: str) -> None:
    assert models.person(plain(text)) > 0.5


@pytest.mark.parametrize(
    "text",
    [
        "transfer two hundred dollars to my savings",
        "i sent money to another person yesterday",
        "someone stole my wallet",
        "you don't need to connect me to anyone",
        "can i speak now",
        "yes please",
        "no",
        "where can i talk about a mortgage on tuesday at the branch",
        "",
    ],
)
def test_not_asking_for_a_person(models: Models, text: str) -> None:
    assert models.person(plain(text)) < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "this is so annoying",
        "i already told you that",
        "you stupid machine",
        "i'm fed up with this",
    ],
)
def test_lost_patience(models: Models, text: str) -> None:
    assert models.frustration(plain(text)) > 0.5


@pytest.mark.parametrize(
    "text", ["no", "no from savings", "i said two hundred", "yes please", "my savings account"]
)
def test_patience(models: Models, text: str) -> None:
    assert models.frustration(plain(text)) < 0.5


@pytest.mark.skipif(not (DATA / "nlupp").is_dir(), reason=f"no NLU++ data under {DATA}")
def test_wants_a_person_on_other_peoples_sentences(models: Models) -> None:
    """None of these sentences was trained on. Measured: precision 0.97, recall 0.88."""
    lines = (DATA / "nlupp" / "banking.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    claimed = np.array([models.person(plain(row["text"])) for row in rows])
    wanted = np.array([row["wants_person"] for row in rows])
    said = claimed >= 0.5
    assert wanted[said].mean() >= 0.85
    assert said[wanted].mean() >= 0.85
    assert ece(claimed, wanted) <= 0.03


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("let me talk to the receptionist about the flurble", True),
        ("put me through to somebody at the front desk", True),
        ("i would like a human to look at my flurble", True),
        ("i need a flurble for another person", False),
        ("could someone clean my flurble", False),
        ("how much is a flurble for the weekend", False),
    ],
)
def test_what_one_trade_taught_holds_for_another(text: str, wants: bool) -> None:
    assert (BANKERS(plain(text)) > 0.5) == wants


def test_words_of_a_trade_are_all_one() -> None:
    assert BANKERS(plain("what is my flurble")) == BANKERS(plain("what is my grumbo"))


BANKERS = person_detector(
    [plain(text) for text in ("i want to speak to a human about my loan", "give me a bank clerk")],
    [plain(text) for text in ("what is my balance", "someone stole my card", "close my account")],
    load_language("en"),
)


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=80))
def test_any_text_gives_a_probability(text: str) -> None:
    assert 0.0 <= SMALL(plain(text)) <= 1.0


SMALL = Detector(
    [plain(text) for text in ("give me a human", "a human please", "human now", "i want a human")],
    [plain(text) for text in ("my balance", "a card please", "i want my card", "give me a card")],
    share=0.1,
)


def test_a_monologue_is_read_too() -> None:
    assert SMALL(plain("card " * 500 + "please")) < SMALL(plain("i want a human"))


def test_has_phrase() -> None:
    assert has_phrase(("call", "the", "police", "now"), (("the", "police"),))
    assert not has_phrase(("police", "the"), (("the", "police"),))
