from __future__ import annotations

from voice_hitl.agent.speaker import Speaker


def test_a_speaker_fills_splits_masks_and_remembers() -> None:
    speaker = Speaker(lambda: {"card": "4532 0151 1283 0366"})
    assert not speaker.repeat()
    speaker.add("your card is {card}. {extra}", "answer", extra="Okay?")
    said = speaker.flush()
    assert [(each.text, each.kind) for each in said] == [
        ("Your card is ••••••••••••0366.", "answer"),
        ("Okay?", "answer"),
    ]
    assert speaker.flush() == []
    assert speaker.repeat()
    assert speaker.flush() == said
    speaker.add("never said", "answer")
    speaker.begin()
    assert speaker.flush() == []
