"""Every `temporal` command of docs/operating.md, run as it is written there, on a real server with concepts in it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from activities import paid_calls
from contracts.tasks import GenerationRequest
from providers.errors import ProviderRefused
from stores.local import LocalStore
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.schedules import ensure_retention
from temporal.search_attributes import ensure_search_attributes
from tests.command import ROOT
from tests.rig import Rig, Script, ScriptedImages, ScriptedPalettes, make_request, rigged, until

CANCELED, TERMINATED = WorkflowExecutionStatus.CANCELED, WorkflowExecutionStatus.TERMINATED


@dataclass(frozen=True)
class Expected:
    """What a command is to do: `TASK_ID` stands for `task`, the output matches `says`, which may name tasks in braces.

    What only looks is repeated until it does: the server's index is a moment behind. `then` is how the tasks that it
    names end.
    """

    says: str
    task: str = ""
    looks: bool = True
    then: Mapping[str, WorkflowExecutionStatus] | None = None


EXPECTED = {
    """temporal workflow list -q 'ExecutionStatus="Failed" AND ConceptStage="image"'""": Expected(
        r"Failed +concept-{failed}"
    ),
    """temporal workflow count -q 'ConceptKind="concept_generation" GROUP BY ExecutionStatus'""": Expected(
        r"(?s)(?=.*Running[^\n]*\b5\b|.*\b5\b[^\n]*Running)(?=.*Failed)(?=.*Completed)"
    ),
    'temporal workflow list -q \'ConceptKind="concept_generation" AND ExecutionStatus="Failed" AND '
    'CloseTime>"2026-01-01T00:00:00Z"\' --limit 20': Expected(r"Failed +concept-{failed}"),
    "temporal workflow describe -w concept-TASK_ID": Expected(r"(?s)Pending Activities: 1.*generate_image", "stuck"),
    "temporal workflow query --type status -w concept-TASK_ID": Expected(r'"state":"processing"', "stuck"),
    "temporal workflow metadata -w concept-TASK_ID": Expected(r"now: image", "stuck"),
    "temporal workflow stack -w concept-TASK_ID": Expected(r"generation\.py", "stuck"),
    "temporal workflow show -w concept-TASK_ID": Expected(r"ActivityTaskScheduled", "stuck"),
    "temporal workflow show -w concept-TASK_ID --output json > concept.json": Expected(r"^$", "stuck"),
    "temporal workflow result -w concept-TASK_ID": Expected(r"(?s)COMPLETED.*{completed}", "completed"),
    'temporal workflow reset -w concept-TASK_ID --type FirstWorkflowTask --reason "stuck"': Expected(
        r"Resetting workflow concept-{stuck} to event ID 4", "stuck", looks=False
    ),
    "temporal workflow cancel -w concept-TASK_ID": Expected(
        r"(?i)cancel", "unwanted", looks=False, then={"unwanted": CANCELED}
    ),
    'temporal workflow terminate -w concept-TASK_ID --reason "does not react"': Expected(
        r"(?i)terminate", "deaf", looks=False, then={"deaf": TERMINATED}
    ),
    'temporal workflow cancel -q \'ExecutionStatus="Running" AND ConceptKind="concept_generation"\' '
    '--reason "wrong key" --yes': Expected(
        r"(?i)batch", looks=False, then={"stuck": CANCELED, "first": CANCELED, "second": CANCELED}
    ),
    "temporal batch list": Expected(r"Completed"),
    "temporal schedule list": Expected(r"retention-concepts"),
    'temporal schedule toggle --schedule-id retention-concepts --pause --reason "audit"': Expected(r"", looks=False),
    "temporal schedule describe --schedule-id retention-concepts": Expected(r"(?s)audit"),
    'temporal schedule toggle --schedule-id retention-concepts --unpause --reason "audit done"': Expected(
        r"", looks=False
    ),
    "temporal schedule trigger --schedule-id retention-concepts": Expected(r"", looks=False),
    """temporal workflow list -q 'WorkflowType="RetentionWorkflow"'""": Expected(r"Completed +retention-concepts"),
    "temporal task-queue describe --task-queue concepts": Expected(rf"(?s)workflow.*{os.getpid()}@"),
    "temporal task-queue describe --task-queue concepts-render": Expected(rf"(?s)activity.*{os.getpid()}@"),
    "temporal task-queue describe --task-queue concepts-paid-openai": Expected(rf"(?s)activity.*{os.getpid()}@"),
    "temporal worker deployment list": Expected(r"CurrentVersionBuildID"),
    "temporal operator search-attribute list": Expected(r"(?s)(?=.*ConceptKind)(?=.*ConceptStage)(?=.*ConceptTask)"),
    "temporal operator cluster health": Expected(r"SERVING"),
}


def commands() -> list[str]:
    """The commands of the section, in their order."""
    section = (ROOT / "docs" / "operating.md").read_text().partition("\n## From a shell\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def test_page_and_test_name_the_same_commands() -> None:
    """None is written down that is not run, and none is run that is not written down."""
    assert commands() == list(EXPECTED)


@dataclass(frozen=True)
class Place:
    """A server with concepts in every state, and where commands are run."""

    rig: Rig
    tasks: Mapping[str, GenerationRequest]
    server: EmbeddedServer
    folder: Path

    async def run(self, command: str) -> str:
        """A command's output; it must end with 0."""
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "TEMPORAL_ADDRESS": self.server.address,
        }
        process = await asyncio.create_subprocess_shell(
            command,
            cwd=self.folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, out.decode()
        return out.decode()


@pytest.fixture
async def place(store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    """One concept that failed, one that is complete, and five whose image never comes."""
    monkeypatch.setattr(paid_calls, "ANSWER_GRACE_S", 0.1)
    server = await EmbeddedServer.start()
    client = await connect(server.address)
    await ensure_search_attributes(client)
    await ensure_retention(client, "concepts", 90)
    images = ScriptedImages(
        Script([ProviderRefused("The script refused"), lambda: None], then=asyncio.Event().wait), name="openai"
    )
    palettes = ScriptedPalettes(name="openai")
    tasks = {name: make_request() for name in ("failed", "completed", "stuck", "unwanted", "deaf", "first", "second")}
    async with rigged(client, store, images=images, palettes=palettes, queue="concepts") as rig:
        for name in ("failed", "completed"):
            await rig.finish(tasks[name])
        for name in ("stuck", "unwanted", "deaf", "first", "second"):
            await rig.concepts.start(tasks[name])
        await until(lambda: images.script.count == len(tasks))
        yield Place(rig, tasks, server, tmp_path)
    await server.stop()


@pytest.mark.timeout(600)
async def test_every_recipe_does_what_it_says(place: Place) -> None:
    """In the page's order, as written: output as expected, and the concepts that it is about end as they should."""
    ids = {name: str(request.task_id) for name, request in place.tasks.items()}
    for written in commands():
        expected = EXPECTED[written]
        command = written.replace("TASK_ID", ids.get(expected.task, "TASK_ID"))
        says = re.compile(re.sub(r"\{([a-z]+)\}", lambda match: re.escape(ids[match[1]]), expected.says))
        said = ""

        async def it_says(command: str = command, says: re.Pattern[str] = says) -> bool:
            nonlocal said
            said = await place.run(command)
            return says.search(said) is not None

        try:
            if expected.looks:
                await until(it_says, 60)
            else:
                assert await it_says()
        except (TimeoutError, AssertionError) as exc:
            pytest.fail(f"{command}\n{said}\n{exc}")
        for name, status in (expected.then or {}).items():
            handle = place.rig.concepts.client.get_workflow_handle(place.tasks[name].workflow_id)

            async def has_ended(
                handle: WorkflowHandle[object, object] = handle, status: WorkflowExecutionStatus = status
            ) -> bool:
                return (await handle.describe()).status is status

            await until(has_ended, 60)
    assert '"eventId"' in (place.folder / "concept.json").read_text()
