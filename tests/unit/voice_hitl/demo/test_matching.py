from hypothesis import given
from hypothesis import strategies as st

from voice_hitl.demo.matching import Line, Said, match
from voice_hitl.demo.wer import total

WORDS = st.lists(st.sampled_from(["yes", "no", "card", "money"]), min_size=1, max_size=4)


def said(text: str, start: float, *, scored: bool = True) -> Said:
    return Said(f"{text}.wav", text, start, start + 2.0, scored)


def line(seq: int, text: str, at: float) -> Line:
    return Line(seq, text, at)


def test_turns_pair_in_order() -> None:
    found = match(
        [said("block my card", 0), said("yes please", 10)],
        [line(1, "block my car", 1), line(4, "yes please", 11)],
    )
    assert [m.reference for m in found] == ["block my card", "yes please"]
    assert [m.recognized for m in found] == ["block my car", "yes please"]


def test_a_sentence_split_at_a_pause_is_one_turn() -> None:
    found = match(
        [said("hello i lost my card", 0)], [line(0, "hello", 0.5), line(1, "i lost my card", 2)]
    )
    assert [(m.reference, m.recognized) for m in found] == [
        ("hello i lost my card", "hello i lost my card")
    ]


def test_two_recordings_in_one_line_are_one_turn() -> None:
    found = match(
        [said("hello", 0), said("i lost my card", 3)], [line(0, "hello i lost my card", 1)]
    )
    assert [m.reference for m in found] == ["hello i lost my card"]
    assert total(m.errors for m in found if m.errors).errors == 0


def test_what_was_missed_is_all_errors() -> None:
    found = match(
        [said("yes please", 0), said("block my card", 10)], [line(0, "block my card", 11)]
    )
    assert [m.recognized for m in found] == ["", "block my card"]
    assert found[0].errors is not None
    assert found[0].errors.errors == 2


def test_a_line_out_of_nothing_is_all_insertions() -> None:
    found = match([said("yes please", 0)], [line(0, "yes please", 1), line(1, "no no", 30)])
    assert [(m.reference, m.recognized) for m in found] == [
        ("yes please", "yes please"),
        (None, "no no"),
    ]
    assert found[1].errors is not None
    assert (found[1].errors.errors, found[1].errors.words) == (2, 0)


def test_alike_words_far_apart_in_time_do_not_pair() -> None:
    found = match([said("yes please", 0)], [line(0, "yes please", 60)])
    assert all(not (m.said and m.lines) for m in found)


def test_what_nobody_could_understand_is_not_scored() -> None:
    found = match([said("", 0, scored=False)], [line(0, "harbor the of", 1)])
    assert [m.reference for m in found] == [None]
    assert found[0].errors is None


@given(st.lists(WORDS, max_size=5), st.lists(WORDS, max_size=5))
def test_every_recording_and_line_is_used_once_and_in_order(
    spoken: list[list[str]], written: list[list[str]]
) -> None:
    recordings = [said(" ".join(text), 10.0 * n) for n, text in enumerate(spoken)]
    lines = [line(n, " ".join(text), 10.0 * n + 1) for n, text in enumerate(written)]
    found = match(recordings, lines)
    assert [s for m in found for s in m.said] == recordings
    assert [used for m in found for used in m.lines] == lines


@given(st.lists(WORDS, max_size=5))
def test_a_perfect_transcript_has_no_errors(spoken: list[list[str]]) -> None:
    recordings = [said(" ".join(text), 10.0 * n) for n, text in enumerate(spoken)]
    lines = [line(n, " ".join(text), 10.0 * n + 1) for n, text in enumerate(spoken)]
    found = match(recordings, lines)
    assert total(m.errors for m in found if m.errors is not None).errors == 0
