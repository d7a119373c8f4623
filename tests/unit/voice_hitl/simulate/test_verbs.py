from __future__ import annotations

import pytest

from voice_hitl.errors import TelephonyError
from voice_hitl.simulate.verbs import ConnectStream, Leave, Other, Redirect, read_twiml
from voice_hitl.telephony.twiml import Fallback, connect


def test_what_the_server_writes_is_understood() -> None:
    document = connect(
        stream_url="wss://voice.example.com/twilio/media",
        token="t0",
        parameters={"caller": "+1555"},
        announcement="Hello & welcome.",
        fallback=Fallback("Sorry.", "+15550123"),
    )
    assert read_twiml(document) == [
        Other("Say", "Hello & welcome."),
        ConnectStream(
            "wss://voice.example.com/twilio/media",
            "/twilio/after",
            {"token": "t0", "caller": "+1555"},
        ),
        Other("Say", "Sorry."),
        Leave("Dial", "+15550123"),
    ]


def test_other_verbs_are_understood() -> None:
    document = "<Response><Pause length='2'/><Redirect>/next</Redirect><Reject/></Response>"
    assert read_twiml(document) == [Other("Pause", "2"), Redirect("/next"), Leave("Reject")]
    assert read_twiml("<Response/>") == []


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("", "no XML"),
        ("Internal Server Error", "no XML"),
        ("<html/>", "root is <html>"),
        ("<Response><Dance/></Response>", "<Dance> is no verb"),
        ("<Response><Connect/></Response>", "holds no <Stream>"),
        ("<Response><Connect><Stream/></Connect></Response>", "must be wss"),
        ("<Response><Connect><Stream url='https://x/'/></Connect></Response>", "must be wss"),
        ("<Response><Connect><Stream url='wss://x/?a=b'/></Connect></Response>", "query string"),
    ],
)
def test_what_twilio_refuses_is_refused(document: str, complaint: str) -> None:
    with pytest.raises(TelephonyError, match=complaint):
        read_twiml(document)
