from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from multidict import MultiDict

from voice_hitl.errors import ConfigError
from voice_hitl.telephony.signature import SignatureChecker, websocket_url

TOKEN = "12345"
PUBLIC = "https://voice.example.com"


def sign(url: str, form: list[tuple[str, str]] | None = None, token: str = TOKEN) -> str:
    """Twilio's published algorithm, written down independently of its library."""
    text = url + "".join(name + value for name, value in sorted(form or []))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def test_the_example_of_twilios_documentation() -> None:
    checker = SignatureChecker("12345", "https://mycompany.com")
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    signature = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert checker.webhook("/myapp.php?foo=1&bar=2", form, signature) is True
    assert checker.webhook("/myapp.php?foo=1&bar=3", form, signature) is False
    assert checker.webhook("/myapp.php?foo=1&bar=2", form | {"Digits": "9"}, signature) is False


def test_every_value_of_a_repeated_field_is_covered() -> None:
    checker = SignatureChecker(TOKEN, PUBLIC)
    fields = [("A", "1"), ("A", "2")]
    signature = sign(f"{PUBLIC}/twilio/voice", fields)
    assert checker.webhook("/twilio/voice", MultiDict(fields), signature)
    assert not checker.webhook("/twilio/voice", MultiDict(fields[:1]), signature)


@pytest.mark.parametrize("signature", ["", "x", "ÄÖÜ", "A" * 28])
def test_no_or_a_wrong_signature_is_refused(signature: str) -> None:
    checker = SignatureChecker(TOKEN, PUBLIC)
    assert not checker.webhook("/twilio/voice", {"CallSid": "CA1"}, signature)
    assert not checker.upgrade("/twilio/media", signature)


def test_another_accounts_token_is_refused() -> None:
    checker = SignatureChecker(TOKEN, PUBLIC)
    signature = sign(f"{PUBLIC}/twilio/voice", token="other")
    assert not checker.webhook("/twilio/voice", {}, signature)


def test_the_upgrade_is_signed_with_the_websocket_address() -> None:
    checker = SignatureChecker(TOKEN, PUBLIC + "/")
    wss = "wss://voice.example.com/twilio/media"
    assert checker.upgrade("/twilio/media", sign(wss))
    assert checker.upgrade("/twilio/media", sign(wss + "/"))
    assert checker.upgrade("/twilio/media/", sign(wss))
    assert not checker.upgrade("/twilio/media", sign("wss://evil.example.com/twilio/media"))
    assert not checker.upgrade("/twilio/other", sign(wss))


def test_a_path_in_the_public_address_counts() -> None:
    checker = SignatureChecker(TOKEN, f"{PUBLIC}/phones")
    assert checker.webhook("/twilio/voice", {}, sign(f"{PUBLIC}/phones/twilio/voice"))
    assert not checker.webhook("/twilio/voice", {}, sign(f"{PUBLIC}/twilio/voice"))


@pytest.mark.parametrize("url", ["voice.example.com", "ftp://x", ""])
def test_a_public_address_that_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="public URL"):
        websocket_url(url)


def test_an_empty_auth_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="auth token is empty"):
        SignatureChecker("", PUBLIC)
