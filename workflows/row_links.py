from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.policies as policies  # noqa: PLR0402 -- see workflows/task_run.py
    from contracts.activities import RowLinkActivities
    from contracts.row_links import ExpiringLinks, RowLinksRequest
    from contracts.workflows import ROW_LINKS_WORKFLOW
    from workflows.errors import OWN_DATA_REFUSED


@workflow.defn(name=ROW_LINKS_WORKFLOW, failure_exception_types=OWN_DATA_REFUSED)
class RowLinksWorkflow:
    """Renew the signed links in rows in the last third of their life, page by page.

    A renewed link ends later and is not found again, so whatever is interrupted goes on where it was. A long chain goes
    on as a new run.
    """

    @workflow.run
    async def run(self, request: RowLinksRequest) -> int:
        """Returns how many were renewed, over all runs of the chain."""
        before = request.before or workflow.now() + timedelta(seconds=request.expiry_s) / 3
        renewed = request.renewed
        for _ in range(request.pages):
            page = await workflow.execute_activity_method(
                RowLinkActivities.renew_row_links,
                ExpiringLinks(before=before, limit=request.page),
                **policies.RENEW_LINKS,
            )
            renewed += page
            if page < request.page:
                break
        else:
            workflow.continue_as_new(request.model_copy(update={"before": before, "renewed": renewed}))
        return renewed
