"""Simulated callers: they behave as Twilio does, over real sockets, against any running server."""
