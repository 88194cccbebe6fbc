from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import _Definition

import worker
from activities import heartbeats
from stores.local import LocalStore
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.search_attributes import ensure_search_attributes
from tests.browser import running_browser
from tests.command import Shell, end_forkers, make_shell
from tests.dev import running_dev
from tests.rig import BUCKETS
from tests.services import running_service
from tests.site import site_of_this_test
from tests.supabase_site.project import gateway, postgres, project
from workflows import policies

__all__ = ["gateway", "postgres", "project", "running_browser", "running_dev", "running_service", "site_of_this_test"]

# Property tests try the same examples in every run; `make fuzz` tries others. No deadlines: a machine may be busy.
settings.register_profile("same-examples", derandomize=True, deadline=None, database=None)
settings.register_profile("other-examples", deadline=None, print_blob=True)
settings.load_profile("same-examples")

LONGEST_FIRST = (
    "test_demo.py",
    "test_supabase_concepts.py",
    "test_with_dev.py",
    "test_shown_commands.py",
    "test_contract.py",
    "test_builtin_palettes.py",
    "test_batch.py",
    "test_lifecycle.py",
    "test_generation.py",
    "test_image_jobs.py",
    "test_supabase.py",
    "test_builtin_themes.py",
    "test_answers.py",
    "test_paid_calls.py",
    "test_reconciliation.py",
    "test_encryption.py",
    "test_codec_server.py",
    "test_bridge.py",
    "test_supabase_security.py",
    "test_retry.py",
    "test_refinement.py",
    "test_waiting.py",
    "test_crashes.py",
    "test_short.py",
    "test_stopping.py",
    "test_operator_page.py",
    "test_worker_process.py",
    "test_traces.py",
    "test_worker.py",
    "test_builtin_logo.py",
    "test_page.py",
    "test_in_browser.py",
    "test_large_pictures.py",
    "test_deployment.py",
    "test_migrations.py",
    "test_development_server.py",
    "test_deadline.py",
    "test_versions.py",
    "test_architecture.py",
    "test_candidates.py",
    "test_health.py",
    "test_connecting.py",
    "test_store_check.py",
    "test_choosing.py",
    "test_sheet.py",
)
"""The files that wait or work longest. What begins last decides how long the last process runs on alone."""


# Thousands of tests and every module live to the end: looking through them for cycles takes half of many tests' time.
gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first; within a file, and among the others, the order stays."""
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def pytest_collection_finish() -> None:
    """From here on only what tests make is collected."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """Keep the SDK's runtimes for ever: dropped while the interpreter ends, they wait for threads that wait for it."""
    gc.unfreeze()
    for each in gc.get_objects():
        if type(each) is Runtime:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(each))


@pytest.fixture(scope="session", autouse=True)
def _environment_of_a_fresh_machine() -> Iterator[None]:
    """A developer's own settings must not decide how a test ends."""
    ours = {name: os.environ.pop(name) for name in tuple(os.environ) if name.startswith(("CONCEPT_", "TEMPORAL_"))}
    yield
    os.environ.update(ours)


@pytest.fixture(scope="session", autouse=True)
def _forkers_of_this_session() -> Iterator[None]:
    """They end with it."""
    yield
    end_forkers()


@pytest.fixture(scope="session", autouse=True)
def _sandboxes_tried_once() -> Iterator[None]:
    """Every new worker tries each workflow in the sandbox: for the workers of this process, once is enough."""
    tried: set[type] = set()
    prepare = SandboxedWorkflowRunner.prepare_workflow

    def prepare_once(runner: SandboxedWorkflowRunner, workflow: _Definition) -> None:
        if workflow.cls not in tried:
            prepare(runner, workflow)
            tried.add(workflow.cls)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SandboxedWorkflowRunner, "prepare_workflow", prepare_once)
        yield


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedServer]:
    """A real Temporal server, in memory."""
    log_path = tmp_path_factory.mktemp("temporal") / "temporal.log"
    with pytest.MonkeyPatch.context() as patch:
        # It keeps all that the tests have done: its Go runtime looks through that a quarter as often as usual.
        patch.setenv("GOGC", "400")
        patch.setenv("GOMEMLIMIT", "1GiB")
        server = await EmbeddedServer.start(log_path=log_path)
    yield server
    died = server.process.returncode
    await server.stop()
    assert died is None, f"the tests' Temporal server ended with {died}: {log_path.read_text()[-2000:]}"


@pytest.fixture(scope="session")
async def client(server: EmbeddedServer) -> Client:
    """Connected as worker and starter connect."""
    client = await connect(server.address)
    assert await ensure_search_attributes(client)
    return client


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty folder and the environment of a fresh machine, without a server."""
    return make_shell(tmp_path)


@pytest.fixture(autouse=True)
def _quick_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers in this process: an attempt follows another after 100 ms, and hears of a cancel within half a second.

    There are as many attempts as ever, and a pause that an error asks for is kept. Each queue is polled by two calls
    instead of five: most of a worker's cost is to begin and end them.
    """
    few_polls = partial(Worker, max_concurrent_workflow_task_polls=2, max_concurrent_activity_task_polls=2)
    monkeypatch.setattr("worker.Worker", few_polls)
    monkeypatch.setattr(heartbeats, "INTERVAL_S", 0.5)
    monkeypatch.setattr(worker, "_HEARTBEAT_THROTTLE", timedelta(milliseconds=200))
    pause = timedelta(milliseconds=100)
    for name, policy in vars(policies).items():
        if isinstance(policy, dict) and "retry_policy" in policy:
            retry = replace(policy["retry_policy"], initial_interval=pause, maximum_interval=pause)
            monkeypatch.setattr(policies, name, {**policy, "retry_policy": retry})


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalStore]:
    """An empty store."""
    store = LocalStore(tmp_path, *BUCKETS)
    yield store
    await store.close()
