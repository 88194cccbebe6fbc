"""Workflows in the SDK's sandbox, without what it does there for converters that this project does not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info
from typing_extensions import override

_ENDS = {"complete_workflow_execution", "fail_workflow_execution", "cancel_workflow_execution"}

SawWorkflow: TypeAlias = Callable[[Info, bool], None]
"""Called with a workflow of this process, and whether it has ended: at its first workflow task, before anything is done
for it, on the event loop; after each on the workflow's thread.
"""


@dataclass(frozen=True)
class SandboxWithoutContexts(SandboxedWorkflowRunner):
    """Runs workflows in the sandbox, and their payloads through one converter.

    The SDK enters the sandbox a hundred times a concept to ask which command a payload belongs to, an eighth of a
    worker's work. The converter of `temporal.encryption` treats all payloads of workflows alike.
    """

    saw_workflow: SawWorkflow = lambda _info, _ended: None

    @override
    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        self.saw_workflow(det.info, False)
        return _WithoutContexts(super().create_instance(det), det.info, self.saw_workflow)


class _WithoutContexts(WorkflowInstance):
    def __init__(self, sandboxed: WorkflowInstance, info: Info, saw_workflow: SawWorkflow) -> None:
        self._sandboxed = sandboxed
        self._info = info
        self._saw_workflow = saw_workflow

    @override
    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        completion = self._sandboxed.activate(act)
        kinds = {command.WhichOneof("variant") for command in completion.successful.commands} - {"respond_to_query"}
        if kinds:  # none where the workflow is only dropped from the cache
            self._saw_workflow(self._info, not kinds.isdisjoint(_ENDS))
        return completion

    @override
    def get_serialization_context(self, command_info: object) -> SerializationContext | None:
        return None

    @override
    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        return StorageDriverStoreContext()

    @override
    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    @override
    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()
