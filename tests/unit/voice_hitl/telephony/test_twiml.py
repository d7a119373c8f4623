from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_hitl.telephony.twiml import Fallback, connect, fall_back, hang_up

XML_TEXT = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=40)


def document(**changes: object) -> str:
    given: dict[str, object] = {
        "stream_url": "wss://voice.example.com/twilio/media",
        "token": "t0",
        "parameters": {"pack": "banking"},
        "announcement": "Calls are recorded.",
        "fallback": Fallback("Sorry.", "+15550123"),
        **changes,
    }
    return connect(**given)  # type: ignore[arg-type]


def test_a_call_is_announced_connected_and_has_a_way_out() -> None:
    response = ElementTree.fromstring(document())
    assert [verb.tag for verb in response] == ["Say", "Connect", "Say", "Dial"]
    say, verb, sorry, dial = response
    assert say.text == "Calls are recorded."
    assert verb.attrib == {"action": "/twilio/after", "method": "POST"}
    (stream,) = verb
    assert stream.attrib == {"url": "wss://voice.example.com/twilio/media"}
    assert [p.attrib for p in stream] == [
        {"name": "token", "value": "t0"},
        {"name": "pack", "value": "banking"},
    ]
    assert (sorry.text, dial.text) == ("Sorry.", "+15550123")


def test_without_announcement_and_number_the_call_just_ends_politely() -> None:
    response = ElementTree.fromstring(document(announcement="", fallback=Fallback("Sorry.")))
    assert [verb.tag for verb in response] == ["Connect", "Say", "Hangup"]


@settings(deadline=None)
@given(XML_TEXT, XML_TEXT)
def test_any_words_and_values_survive(words: str, value: str) -> None:
    response = ElementTree.fromstring(document(announcement=words, parameters={"note": value}))
    stream = response.find("Connect/Stream")
    assert stream is not None
    assert stream[1].get("value") == value
    if words:
        assert response[0].text == words


def test_parameters_that_twilio_would_drop_are_refused() -> None:
    with pytest.raises(ValueError, match="'note' is over 500"):
        document(parameters={"note": "x" * 500})
    with pytest.raises(ValueError, match="'token' is taken"):
        document(parameters={"token": "mine"})


def test_after_a_served_call_it_ends_and_after_a_failed_one_the_fallback_comes() -> None:
    assert [v.tag for v in ElementTree.fromstring(hang_up())] == ["Hangup"]
    fallen = ElementTree.fromstring(fall_back(Fallback("Sorry.", "+15550123")))
    assert [v.tag for v in fallen] == ["Say", "Dial"]
    assert [v.tag for v in ElementTree.fromstring(fall_back(Fallback("")))] == ["Hangup"]
