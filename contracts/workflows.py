"""The names by which workflows are started, found and asked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from types import MappingProxyType

from temporalio.common import SearchAttributeKey

from contracts.tasks import TaskRequest

GENERATION_WORKFLOW = "ConceptGenerationWorkflow"
REFINEMENT_WORKFLOW = "ConceptRefinementWorkflow"
VARIATIONS_WORKFLOW = "ConceptVariationsWorkflow"
COMPLETION_WORKFLOW = "ConceptCompletionWorkflow"
WORKFLOWS: Mapping[str, str] = MappingProxyType(
    {
        "concept_generation": GENERATION_WORKFLOW,
        "concept_refinement": REFINEMENT_WORKFLOW,
        "concept_variations": VARIATIONS_WORKFLOW,
        "concept_completion": COMPLETION_WORKFLOW,
    }
)
"""Which workflow does what a `task_type` asks for."""
BATCH_WORKFLOW = "ConceptBatchWorkflow"
STATUS_QUERY = "status"
CHOOSE_UPDATE = "choose"
GO_ON_SIGNAL = "go_on"
CANCEL_SIGNAL = "cancel"
RETENTION_WORKFLOW = "RetentionWorkflow"
RECONCILIATION_WORKFLOW = "ReconciliationWorkflow"
ROW_LINKS_WORKFLOW = "RowLinksWorkflow"

TASK_ATTRIBUTE = SearchAttributeKey.for_keyword("ConceptTask")
STAGE_ATTRIBUTE = SearchAttributeKey.for_keyword("ConceptStage")
"""Updated only by workflows that were started with it, which their start event says on every replay.

An upsert of an attribute that the server does not know blocks a workflow, and not every server lets clients register
one. Whether ours are known is asked where a workflow is started.
"""
KIND_ATTRIBUTE = SearchAttributeKey.for_keyword("ConceptKind")
IN_GROUPS_MEMO = "RenderInGroups"
"""Says at a workflow's start what a patch of its code would have to record."""
SEARCH_ATTRIBUTES = (TASK_ATTRIBUTE, STAGE_ATTRIBUTE, KIND_ATTRIBUTE)
"""Readable by every account that may list workflows, even where payloads are encrypted: nothing private goes here."""


FIRST_PRIORITY = 1
USER_PRIORITY = 2
ANONYMOUS_PRIORITY = 4
BATCH_PRIORITY = 5
"""Where a concept stands in its task queues; once paid for, one step before, but for batches (docs/adr/0035)."""


def usual_priority(request: TaskRequest) -> int:
    """That of a single task: visitors without an account wait behind users, where there is a queue at all."""
    return ANONYMOUS_PRIORITY if request.is_anonymous else USER_PRIORITY


def render_queue(task_queue: str) -> str:
    """Where bases are prepared and published, and variations rendered: all that needs a processor."""
    return f"{task_queue}-render"


def paid_queue(task_queue: str, provider: str) -> str:
    """Where calls to `provider` are made: one queue each, so that the server can limit their rate."""
    return f"{task_queue}-paid-{provider}"


def retention_id(task_queue: str) -> str:
    """The schedule that keeps the concepts of a queue for only so long, and the beginning of its workflows' ids."""
    return f"retention-{task_queue}"


def reconciliation_id(task_queue: str) -> str:
    """The schedule that keeps the rows of a queue's concepts true, and the beginning of its workflows' ids."""
    return f"reconciliation-{task_queue}"


def row_links_id(task_queue: str) -> str:
    """The schedule that renews the signed links in rows, and the beginning of its workflows' ids."""
    return f"row-links-{task_queue}"


def batch_workflow_id(batch_id: uuid.UUID) -> str:
    """The one workflow id of a batch."""
    return f"batch-{batch_id}"
