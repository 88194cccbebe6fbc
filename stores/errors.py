"""What a store can answer instead of doing what it was asked.

StoreError
├── StoreUnavailable    it could not be reached or is busy; the same call may succeed later
│   ├── StoreNotSetUp   it lacks what we need; a deployment mends it
│   └── StoreThrottled  it asks to be left alone for a while
├── StoreRefused        it will not do this, now or later
│   ├── StoreForbidden  its policies or our key do not allow it
│   └── StoreConflict   it contradicts what is there
├── ObjectMissing       no object at that place
├── ObjectCorrupt       the bytes there are not the bytes that were stored
└── TaskHeld            another workflow has claimed the task
"""

from __future__ import annotations

from typing_extensions import override


class StoreError(Exception):
    """The store could not do what it was asked. The message names no secrets and no user."""


class StoreUnavailable(StoreError):
    """The store could not be reached or is busy."""


class StoreNotSetUp(StoreUnavailable):
    """The store is there, but not, or not yet, set up for us."""


class StoreThrottled(StoreUnavailable):
    """The store asks for a pause of `retry_after_s` seconds; None if it does not say how long."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreRefused(StoreError):
    """The store will not do this; repeating cannot help."""


class StoreForbidden(StoreRefused):
    """The store's policies, or the key that we showed, do not allow this."""


class StoreConflict(StoreRefused):
    """This contradicts what the store holds already."""


class ObjectMissing(StoreError):
    """There is no object at that place."""


class ObjectCorrupt(StoreError):
    """The bytes there are not the bytes that were stored."""


class TaskHeld(StoreError):
    """The task is being processed by the workflow `workflow_id`."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"the task is being processed by workflow {workflow_id}")
        self.workflow_id = workflow_id

    @override
    def __reduce__(self) -> tuple[type[TaskHeld], tuple[str]]:
        """Survive pickling: the constructor takes the id, not the sentence."""
        return type(self), (self.workflow_id,)
