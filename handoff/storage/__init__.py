"""The only I/O of this package: records in a database."""

from handoff.storage.sql import SqlStore

__all__ = ["SqlStore"]
