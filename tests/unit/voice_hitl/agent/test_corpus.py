from __future__ import annotations

import datetime as dt
import re

from voice_hitl.agent.corpus import expand, spoken_amounts
from voice_hitl.agent.money import CURRENCIES, read_amounts
from voice_hitl.agent.pack import load_pack
from voice_hitl.agent.slots import SlotReader
from voice_hitl.agent.text import plain

TODAY = dt.date(2025, 3, 12)
PACK = load_pack("banking")
WORD = re.compile(r"^(?:[a-z]+(?:'[a-z]+)*|\{[a-z_]+\})$")


def test_sentences_are_clean_words_and_known_placeholders() -> None:
    source = PACK.language()
    for sentence in source.sentences:
        for word in sentence.split():
            assert WORD.match(word), sentence
            if word.startswith("{"):
                assert word.strip("{}") in source.classes, sentence
    for values in source.classes.values():
        assert values
        assert all(WORD.match(word) for value in values for word in value.split())


def test_the_language_holds_all_that_callers_need() -> None:
    source = PACK.language()
    sentences = set(source.sentences)
    assert {"yes", "no", "i want to speak to a person", "can you say that again"} <= sentences
    assert "transfer {amount} from {source} to {target}" in sentences
    assert "it's {digit} {digit} {digit} {digit}" in sentences
    assert "two hundred and fifty dollars" in source.classes["amount"]
    assert "twenty five hundred" in source.classes["amount"]
    assert "march third" in source.classes["charge_date"]
    assert "super electronics" in source.classes["merchant"]


def test_every_spoken_amount_is_read_as_one_amount() -> None:
    for text in spoken_amounts(CURRENCIES["USD"]):
        (amount,) = read_amounts(text.split(), CURRENCIES["USD"])
        assert (amount.start, amount.end) == (0, len(text.split())), text


def test_every_choice_is_read_as_its_own_value() -> None:
    reader = SlotReader(PACK.agent.slots, PACK.speech, PACK.currency)
    for name, spec in PACK.agent.slots.items():
        for key, texts in spec.values.items():
            for text in texts:
                words = plain(text)
                found = reader.read(words, (name,), TODAY, pending=name)
                assert found[name].value == key, text


def test_examples_of_a_template_share_a_group_and_no_two_templates_do() -> None:
    examples = PACK.examples()
    labels: dict[int, set[str]] = {}
    for example in examples:
        labels.setdefault(example.group, set()).add(example.label)
    assert all(len(each) == 1 for each in labels.values())
    assert len(examples) > len(labels)


def test_expanding_is_always_the_same_and_fills_each_slot() -> None:
    values = {"a": ("one", "two", "three"), "b": ("x", "y")}
    first = expand("take {a} and {b}", values)
    assert first == expand("take {a} and {b}", values)
    assert all(words[1] in values["a"] and words[3] in values["b"] for words in first)
    assert expand("plain words", values) == [("plain", "words")]
