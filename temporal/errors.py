"""What keeps a process from working with Temporal; each message is one sentence that says what to do or where to look.

    TemporalUnreachable         no server answers
    TemporalRefused             a server answers, and does not let a worker work
    TemporalMisconfigured       TEMPORAL_* or temporal.toml
    Unreadable                  CONCEPT_ENCRYPTION_KEYS
    ServerStartError            the embedded server
    ├── PortInUse
    └── FolderInUse

Apart from what raises them, so that a command line can name them without loading web servers and lock files.
"""

from __future__ import annotations


class TemporalUnreachable(Exception):
    """No Temporal server answers at `address`."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"no Temporal server answers at {address}: {reason}")
        self.address = address


class TemporalRefused(Exception):
    """The Temporal server at `address` does not let a worker work: a right is missing, or something is wrong there."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"the Temporal server at {address} does not let this worker work: {reason}")
        self.address = address


class TemporalMisconfigured(Exception):
    """What `TEMPORAL_*` or `temporal.toml` say cannot be right."""


class Unreadable(Exception):
    """A payload is encrypted, and no key that this process has fits. The sentence names the variable."""


class ServerStartError(Exception):
    """The embedded server could not be started; one sentence says why."""


class PortInUse(ServerStartError):
    """Something else listens on the port that was asked for."""


class FolderInUse(ServerStartError):
    """Another process runs a server on this folder's database."""
