from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.agent.corpus import Example
from voice_hitl.agent.flow import Models
from voice_hitl.agent.nlu import OUTSIDE, IntentModel, folds_of
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.text import plain
from voice_hitl.evaluate import selective

PACK = load_pack("banking")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("hi could you tell me how much money i've got in savings", "balance"),
        ("move five hundred bucks over to savings", "transfer"),
        ("my purse got stolen and the card was inside", "lost_card"),
        ("this shop charged me two times for the same thing", "dispute"),
        ("somebody is buying things with my card this very moment", "fraud"),
        ("is the downtown office open tomorrow", "opening_hours"),
        ("how do i get to your riverside branch", "find_branch"),
        ("has the replacement card been mailed", "card_delivery"),
        ("sorry could you say that one more time", "repeat"),
    ],
)
def test_new_words_for_known_requests(models: Models, text: str, intent: str) -> None:
    ranking = models.intents.rank(plain(text))
    assert ranking.top == intent
    assert ranking.probability > 0.5
    assert ranking.novelty < 0.75


@pytest.mark.parametrize(
    "text",
    [
        "my goldfish needs a new bowl",
        "how do i grow tomatoes on a balcony",
        "blah foo something",
        "the printer on the second floor is out of paper",
    ],
)
def test_what_no_intent_fits_is_improbable_and_novel(models: Models, text: str) -> None:
    ranking = models.intents.rank(plain(text))
    assert ranking.probability < 0.5
    assert ranking.novelty > 0.5


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_gives_figures_in_their_ranges(text: str) -> None:
    ranking = SMALL.rank(plain(text))
    figures = (
        ranking.probability,
        ranking.confidence,
        ranking.margin,
        ranking.novelty,
        ranking.disagreement,
    )
    assert all(0.0 <= figure <= 1.0 for figure in figures)
    assert list(ranking.shares) == sorted(ranking.shares, reverse=True)
    assert sum(ranking.shares) <= 1.0 + 1e-9
    assert set(ranking.intents) == {"red", "blue"}


def small_examples() -> list[Example]:
    texts = {
        "red": ["a red apple", "the red rose", "red wine please", "a rose is red", "red as fire"],
        "blue": ["the blue sky", "blue as the sea", "a blue whale", "sky is blue", "blue sea"],
    }
    rows = [(label, text) for label, each in texts.items() for text in each]
    return [Example(plain(text), label, at) for at, (label, text) in enumerate(rows)]


SMALL = IntentModel(small_examples(), [plain("green grass"), plain("a green leaf")])


def test_two_intents_are_enough_and_one_is_not() -> None:
    assert SMALL.rank(plain("the blue whale")).top == "blue"
    assert SMALL.best(plain("red fire"))[0] == "red"
    assert SMALL.rank(plain("red rose")).share("red") > 0.5
    assert SMALL.rank(plain("red rose")).share("unknown") == 0.0
    with pytest.raises(ValueError, match="at least two intents"):
        IntentModel([each for each in small_examples() if each.label == "red"])


def test_training_is_the_same_every_time() -> None:
    again = IntentModel(small_examples(), [plain("green grass"), plain("a green leaf")])
    assert again.rank(plain("blue sea")) == SMALL.rank(plain("blue sea"))


def test_without_outside_sentences_intents_left_out_teach_what_is_novel() -> None:
    """Measured: AUROC 0.896."""
    model = IntentModel([each for each in PACK.examples() if each.group % 4])
    asked = [each.words for each in PACK.examples() if not each.group % 4]
    strange = [plain(text) for text in (*PACK.agent.elsewhere, *PACK.speech.spec.elsewhere)]
    novelty = np.array([model.rank(words).novelty for words in (*asked, *strange)])
    outside = np.array([False] * len(asked) + [True] * len(strange))
    judged = selective.Judged(~outside, outside, 1 - novelty, novelty, 1 - novelty)
    assert selective.auroc(judged) >= 0.86


def test_nothing_said_is_novel(models: Models) -> None:
    assert models.intents.rank(()).novelty == 1.0


def test_folds_keep_groups_whole_and_labels_even() -> None:
    examples = PACK.examples()
    folds = folds_of(examples, 4)
    of_group: dict[int, set[int]] = {}
    for example, fold in zip(examples, folds, strict=True):
        of_group.setdefault(example.group, set()).add(fold)
    assert all(len(each) == 1 for each in of_group.values())
    for label in {example.label for example in examples}:
        groups = {
            each.group: fold
            for each, fold in zip(examples, folds, strict=True)
            if each.label == label
        }
        counts = np.bincount(list(groups.values()), minlength=4)
        assert counts.max() - counts.min() <= 1


@pytest.mark.slow
def test_cross_validation_on_the_pack_keeps_its_figures() -> None:
    """Measured: accuracy 0.91, ECE 0.04, AUROC 0.97; the bounds leave room for new examples."""
    texts = [plain(text) for text in (*PACK.agent.elsewhere, *PACK.speech.spec.elsewhere)]
    flows = [name for name, spec in PACK.agent.intents.items() if spec.flow]
    every = PACK.examples()
    every += [Example(words, OUTSIDE, 10_000 + at) for at, words in enumerate(texts)]
    folds = np.array(folds_of(every, 3))
    found: list[tuple[bool, bool, float, float]] = []
    for fold in range(3):
        train = [each for each, at in zip(every, folds, strict=True) if at != fold]
        model = IntentModel(train, novel=flows)
        for each in (each for each, at in zip(every, folds, strict=True) if at == fold):
            ranking = model.rank(each.words)
            right = ranking.top == each.label
            found.append((right, each.label == OUTSIDE, ranking.confidence, ranking.novelty))
    right_, outside, confidence, novelty = (np.array(column) for column in zip(*found, strict=True))
    judged = selective.Judged(right_, outside, confidence, novelty, confidence)
    assert selective.accuracy(judged) >= 0.85
    assert selective.calibration_error(judged) <= 0.07
    assert selective.auroc(judged) >= 0.92


@pytest.mark.parametrize("part", ["with", "without"])
def test_held_examples_calibrate_and_are_learnt(part: str) -> None:
    held = [Example(plain("green grass grows"), OUTSIDE, 90), Example(plain("crimson"), "red", 91)]
    model = IntentModel(small_examples(), held=held if part == "with" else ())
    assert (model.rank(plain("crimson")).share("red") > 0.6) == (part == "with")
    assert (OUTSIDE in model.labels) == (part == "with")


def test_unknown_held_labels_are_left_out() -> None:
    model = IntentModel(small_examples(), held=[Example(("puce",), "puce", 90)])
    assert set(model.labels) == {"red", "blue"}


def test_reading_is_fast(models: Models) -> None:
    texts = [example.words for example in PACK.examples()[:200]]
    took = []
    for words in texts:
        start = time.perf_counter()
        models.intents.rank(words)
        took.append(time.perf_counter() - start)
    assert sorted(took)[len(took) // 2] < 0.005


def test_outside_is_never_named(models: Models) -> None:
    assert OUTSIDE not in models.intents.rank(plain("tell me a joke")).intents
