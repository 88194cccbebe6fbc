"""What goes wrong between the worker and Supabase, call by call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a call goes wrong."""

    ERROR_500 = "500"
    UNAVAILABLE_503 = "503"
    THROTTLED_429 = "429"
    HTML = "html"
    """A page of some proxy, with status 200."""
    BAD_GATEWAY = "html-502"
    GARBAGE = "garbage"
    """Status 200 and the right media type, but nothing that makes sense."""
    HANG = "hang"
    DROP = "drop"
    """The connection ends without an answer."""


@dataclass(frozen=True)
class Call:
    """One request: `name` is a function's (`claim_task`), or method and file name (`POST base.png`)."""

    name: str
    text: str
    """Path and, where it is text, body: somewhere in it is the id of what the call is about."""


@dataclass(frozen=True)
class Fault:
    """Hits calls of that name about `about`, `times` times. With `after`, the call has its effect all the same.

    Without a `kind` the call goes well, once `meanwhile` is done.
    """

    call: str
    about: str
    kind: Kind | None
    after: bool = False
    times: int = 1
    meanwhile: Callable[[], Awaitable[None]] | None = None


@dataclass
class Script:
    """The faults to come, and the calls that there have been."""

    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    met: Counter[Fault] = field(default_factory=Counter)

    def take(self, call: Call) -> Fault | None:
        """The fault that this call meets."""
        self.calls.append(call)
        for fault in self.faults:
            if fault.call == call.name and fault.about in call.text and self.met[fault] < fault.times:
                self.met[fault] += 1
                return fault
        return None

    def clear(self) -> None:
        """Forget everything."""
        self.faults.clear()
        self.calls.clear()
        self.met.clear()
