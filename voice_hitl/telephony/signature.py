"""Whether a request was signed by Twilio, judged against the configured public URL alone.

Twilio signs the URL that it was given, so that URL must come from the configuration: whatever `Host`,
`X-Forwarded-Host` or `X-Forwarded-Proto` say, anybody can say.

Algorithm (HMAC-SHA1 over URL and sorted parameters): https://www.twilio.com/docs/usage/security
"""

from __future__ import annotations

from collections.abc import Mapping

from twilio.request_validator import RequestValidator

from voice_hitl.errors import ConfigError

HEADER = "X-Twilio-Signature"


def websocket_url(public_url: str) -> str:
    """The same address with the scheme of a WebSocket: https -> wss, http -> ws."""
    scheme, separator, rest = public_url.partition("://")
    schemes = {"https": "wss", "http": "ws"}
    if not separator or scheme not in schemes:
        raise ConfigError(f"public URL {public_url!r} must start with https:// (or http://)")
    return f"{schemes[scheme]}://{rest}"


class SignatureChecker:
    """Checks signatures of one account.

    `public_url` is what Twilio is given for this server, without a trailing slash; a path in it is fine
    where a proxy strips it. Raises `ConfigError` when it is no web address or the token is empty.
    """

    def __init__(self, auth_token: str, public_url: str) -> None:
        if not auth_token:
            raise ConfigError("the Twilio auth token is empty: set it, or leave it out altogether")
        self._validator = RequestValidator(auth_token)
        self._http = public_url.rstrip("/")
        self._ws = websocket_url(self._http)

    def webhook(self, path_qs: str, form: Mapping[str, str], signature: str) -> bool:
        """Whether a form POST to `path_qs` (as in the request line) carries Twilio's signature.

        `form` may be a multi-dict; every value counts.
        """
        return self._valid(self._http + path_qs, form, signature)

    def upgrade(self, path_qs: str, signature: str) -> bool:
        """Whether a WebSocket upgrade at `path_qs` carries Twilio's signature.

        Twilio has signed the stream's URL with and without a slash at its end; both name this server.
        """
        url = self._ws + path_qs
        other = url[:-1] if url.endswith("/") else url + "/"
        return self._valid(url, {}, signature) or self._valid(other, {}, signature)

    def _valid(self, url: str, form: Mapping[str, str], signature: str) -> bool:
        return bool(signature) and bool(self._validator.validate(url, form, signature))
