"""One port: telephony, console, REST, health and metrics over aiohttp."""
