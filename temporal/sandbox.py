"""Workflows in the SDK's sandbox, without what it does there for converters that this project does not have."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import SerializationContext, StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info
from typing_extensions import override


@dataclass(frozen=True)
class SandboxWithoutContexts(SandboxedWorkflowRunner):
    """Runs workflows in the sandbox, and their payloads through one converter.

    The SDK enters the sandbox a hundred times a concept to ask which command a payload belongs to, an eighth of a
    worker's work. The converter of `temporal.encryption` treats all payloads of workflows alike.
    """

    @override
    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _WithoutContexts(super().create_instance(det))


class _WithoutContexts(WorkflowInstance):
    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    @override
    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._sandboxed.activate(act)

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
