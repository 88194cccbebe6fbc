"""Why a task cannot be worked on as asked; each message is one sentence for the user.

TaskServiceError
├── TaskNotFound       neither the store nor Temporal has the task
│   └── WorkflowNotFound   Temporal has no workflow of the task that runs; the store may have its row
├── TaskRefused        the task does not allow it: it runs, has ended, or belongs to another request
│   └── ChoiceRefused      its workflow does not take this choice
├── BatchEnded         a batch's workflow ended before its batch did
└── NoWorker           only a worker can do it, and none answers
"""

from __future__ import annotations

import uuid

from typing_extensions import override


class TaskServiceError(Exception):
    """Base of this package's errors."""


class TaskNotFound(TaskServiceError):
    """No such task."""

    def __init__(self, task_id: uuid.UUID) -> None:
        super().__init__(f"task {task_id} not found")
        self.task_id = task_id

    @override
    def __reduce__(self) -> tuple[type[TaskNotFound], tuple[uuid.UUID]]:
        return type(self), (self.task_id,)


class WorkflowNotFound(TaskNotFound):
    """Temporal has no such workflow, or it has ended."""


class TaskRefused(TaskServiceError):
    """The task does not allow it."""


class ChoiceRefused(TaskRefused):
    """The workflow does not take this choice; the message says why."""


class BatchEnded(TaskServiceError):
    """Its workflow failed, or somebody ended it. The tasks that it had started go on."""


class NoWorker(TaskServiceError):
    """No worker answered in time, or one answered that it cannot."""
