"""The exceptions of the decision core.

::

    HandoffError
    ├── PolicyError        a policy that cannot be used; says which field and how to mend it
    ├── UnknownOperator    an operator id the floor has never seen
    ├── ProtocolError      an event that the machine's table does not allow in its state
    └── StorageError       the store could not read or keep something
"""

from __future__ import annotations


class HandoffError(Exception):
    """Base of every error that this package raises on purpose."""


class PolicyError(HandoffError):
    """A policy that cannot be used; the message names the field and the mend."""


class UnknownOperator(HandoffError):
    """An operator id that the floor has never seen."""


class ProtocolError(HandoffError):
    """An event that the state table does not allow in the present state."""


class StorageError(HandoffError):
    """The store could not read or keep something."""
