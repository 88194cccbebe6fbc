"""The metrics page of real processes, compared with the table in docs/operating.md."""

from __future__ import annotations

import base64
import json
import math
import re
import uuid
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import yaml
from temporalio.client import Client

from contracts.tasks import Stage
from contracts.workflows import RECONCILIATION_WORKFLOW, RETENTION_WORKFLOW, WORKFLOWS
from observability.metrics import BacklogMetrics
from observability.temporal_runtime import temporal_runtime
from providers import errors
from pubsub.delivery import DeliveryOutcome
from pubsub.push import _STATUSES
from tasks.workflow_client import ConceptClient
from temporal.client import connect
from temporal.development_server import EmbeddedServer
from temporal.queues import PolledQueue, TaskKind, watching_backlog
from tests.command import ROOT, free_address, make_shell, read_until
from tests.rig import make_request, until
from tests.services import FakeOpenAI, refusal

_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
_LABEL = re.compile(r'([a-z_]+)="([^"]*)"')

OBSERVABILITY = ROOT / "deploy" / "observability"
OUTCOMES = {
    *("done", "again", "failed", "cancelled", "crashed", "answered", "cut off", "not now"),
    *(DeliveryOutcome),
    *(kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)),
}
CONCEPTS = "Concept.+"
"""The types of workflows that dashboard and alerts count: those that end as a user's task does."""
STATUSES = {str(status) for status in _STATUSES.values()}

Labels = frozenset[tuple[str, str]]
Page = dict[str, dict[Labels, float]]


def read_page(text: str) -> Page:
    """Samples of a page: name → labels → value."""
    page: defaultdict[str, dict[Labels, float]] = defaultdict(dict)
    for line in text.splitlines():
        match = _SAMPLE.match(line)
        if match is not None:
            page[match["name"]][frozenset(_LABEL.findall(match["labels"] or ""))] = float(match["value"])
    return dict(page)


def types_of(text: str) -> dict[str, str]:
    """The type of each metric, as the page declares it."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def value(page: Page, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels."""
    wanted = set(labels.items())
    return sum(number for found, number in page.get(name, {}).items() if wanted <= found)


async def scrape(address: str) -> str:
    """The page, or nothing without an answer."""
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"http://{address}/metrics")).text
        except httpx.TransportError:
            return ""


@pytest.fixture(scope="module")
async def scraped(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The pages of a worker that made a concept with a paid service, and of a bridge that had three requests.

    Then that of the worker again, after a concept that failed.
    """
    queue = f"test-{uuid.uuid4()}"
    openai = FakeOpenAI()
    folder = tmp_path_factory.mktemp("metrics")
    worker_page, bridge_page, pushed = free_address(), free_address(), free_address()
    async with openai.serving():
        openai.script[openai.image_path] = [refusal(503)]
        shell = make_shell(
            folder,
            TEMPORAL_ADDRESS=server.address,
            CONCEPT_TASK_QUEUE=queue,
            CONCEPT_PUSH_AUTH="off",
            **openai.environment,
        )
        push = ("push", "--host", "127.0.0.1", "--port", pushed.rpartition(":")[2])
        async with (
            shell.running("worker.py", CONCEPT_METRICS_ADDRESS=worker_page),
            shell.running("bridge.py", *push, CONCEPT_METRICS_ADDRESS=bridge_page) as bridge,
        ):
            request = make_request(num_palettes=3)
            assert bridge.stderr is not None
            await read_until(bridge.stderr, "listening")
            async with httpx.AsyncClient(trust_env=False) as http:
                for content in (request.model_dump_json().encode(), b"{}"):
                    body = {"message": {"data": base64.b64encode(content).decode(), "messageId": "1"}}
                    assert (await http.post(f"http://{pushed}/", json=body)).status_code == 204
                assert (await http.post(f"http://{pushed}/", content=b"nothing")).status_code == 400
            concepts = ConceptClient(await connect(server.address), queue, with_attributes=True)
            await concepts.wait(request.task_id, timeout_s=60)

            async def is_complete() -> bool:
                page = read_page(await scrape(worker_page))
                return bool(
                    value(page, "concept_stage_latency_seconds_count", stage="store") and value(page, "concept_ready")
                )

            await until(is_complete)
            pages = {"worker": await scrape(worker_page), "bridge": await scrape(bridge_page)}
            openai.script[openai.image_path] = [refusal(400)]
            doomed = make_request()
            await concepts.start(doomed)
            await concepts.wait(doomed.task_id, timeout_s=60)

            async def is_failed() -> bool:
                return bool(value(read_page(await scrape(worker_page)), "temporal_workflow_failed_total"))

            await until(is_failed)
            pages["after a failure"] = await scrape(worker_page)
    return pages


def families(text: str) -> dict[str, tuple[str, set[str]]]:
    """Our metrics on a page: name → type and names of labels."""
    found: dict[str, tuple[str, set[str]]] = {}
    page, types = read_page(text), types_of(text)
    for name, kind in types.items():
        if name.startswith("concept_"):
            samples = page.get(name, {}) | page.get(f"{name}_count", {})
            found[name] = kind, {label for labels in samples for label, _ in labels}
    return found


def test_the_table_is_what_a_scrape_finds(scraped: Mapping[str, str]) -> None:
    """Every metric of ours with its type and labels, on the pages and in docs/operating.md alike."""
    text = (ROOT / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| `(concept_\w+)` \| (\w+) \|([^|]*)\|", text, re.MULTILINE)
    table: dict[str, tuple[str, set[str]]] = {}
    above: set[str] = set()
    for name, kind, labels in rows:
        above = (
            above if labels.strip() == "the same" else {label.strip() for label in labels.split(",") if label.strip()}
        )
        table[name] = kind, above
    assert table == families(scraped["worker"]) | families(scraped["bridge"])


def test_a_concept_is_counted(scraped: Mapping[str, str]) -> None:
    """Each stage, call, lookup and rendering of one concept with three palettes and one outage, exactly once."""
    page = read_page(scraped["worker"])
    attempts = "concept_stage_latency_seconds_count"
    for stage in Stage:
        # variations are one group, and the image's call publishes it
        assert value(page, attempts, stage=stage, outcome="done") == (stage is not Stage.UPLOAD)
        assert value(page, "concept_stage_running", stage=stage) == 0
    assert value(page, attempts, stage="image", outcome="again") == 1
    calls = "concept_provider_calls_total"
    assert value(page, calls, provider="openai", stage="image", outcome="answered") == 1
    assert value(page, calls, provider="openai", stage="image", outcome="ProviderUnavailable") == 1
    assert value(page, calls, provider="openai", stage="palettes", outcome="answered") == 1
    assert value(page, "concept_provider_latency_seconds_count") == 3
    assert value(page, "concept_provider_tokens_total", stage="image", kind="output") == 4160
    assert value(page, "concept_render_latency_seconds_count") == 3
    assert value(page, "concept_cache_lookups_total", result="miss") >= 1
    lookups = "concept_cache_lookups_total"
    assert value(page, lookups, result="hit") + value(page, lookups, result="shared") >= 2  # one by all variations
    assert value(page, "concept_cache_bytes") > 96 * 96
    assert value(page, "concept_ready") == 1
    assert {kind for labels in page["concept_backlog_tasks"] for label, kind in labels if label == "kind"} == set(
        TaskKind
    )


def test_messages_are_counted(scraped: Mapping[str, str]) -> None:
    """By what became of them; what is no message, by the status it was answered with."""
    page = read_page(scraped["bridge"])
    for outcome in ("started", "refused"):
        assert value(page, "concept_bridge_latency_seconds_count", outcome=outcome) == 1
    assert value(page, "concept_bridge_refused_requests_total", status="400") == 1
    assert value(page, "concept_bridge_running") == 0
    assert value(page, "concept_ready") == 1


def test_labels_are_bounded(scraped: Mapping[str, str]) -> None:
    """No id, user or word of a request is in any label, the SDK's own included; its queue is named by us."""
    for text in scraped.values():
        for name, samples in read_page(text).items():
            for label, content in (pair for labels in samples for pair in labels):
                if label != "task_queue":
                    assert not re.search(r"[0-9a-f]{8}-", content), (name, label, content)
                assert "ada" not in content.split("_"), (name, label, content)


async def test_the_backlog_is_what_waits(server: EmbeddedServer, client: Client) -> None:
    """Tasks without a worker are counted and grow older; of a server that is gone nothing is claimed."""
    queue = f"test-{uuid.uuid4()}"
    for number in range(3):
        await client.start_workflow("Unknown", id=f"{queue}-{number}", task_queue=queue)
    address = free_address()
    runtime = temporal_runtime(address)
    lost = await EmbeddedServer.start()
    watcher, cut_off = await connect(server.address, runtime=runtime), await connect(lost.address, runtime=runtime)
    await lost.stop()
    metrics = BacklogMetrics(runtime.metric_meter)
    waiting = PolledQueue(queue, TaskKind.WORKFLOW)

    async def is_known() -> bool:
        page = read_page(await scrape(address))
        return value(page, "concept_backlog_tasks", task_queue=queue) == 3

    async def is_unknown() -> bool:
        page = read_page(await scrape(address))
        return math.isnan(value(page, "concept_backlog_tasks", task_queue="lost"))

    async with (
        watching_backlog(watcher, [waiting], metrics, every_s=0.05),
        watching_backlog(cut_off, [PolledQueue("lost", TaskKind.ACTIVITY)], metrics, every_s=0.05),
    ):
        await until(is_known)
        await until(is_unknown)
        page = read_page(await scrape(address))
    assert value(page, "concept_backlog_age_seconds", task_queue=queue) > 0


async def test_a_queue_without_workers_is_reported_by_others(server: EmbeddedServer, tmp_path: Path) -> None:
    """Workers of the network queue ask for every queue that the settings name, other workers for their own alone."""
    queue = f"test-{uuid.uuid4()}"
    shell = make_shell(
        tmp_path,
        TEMPORAL_ADDRESS=server.address,
        CONCEPT_TASK_QUEUE=queue,
        CONCEPT_IMAGE_PROVIDER="openai",
        CONCEPT_OPENAI_API_KEY="key",
        CONCEPT_OPENAI_IMAGE_MODEL="draws",
        CONCEPT_PALETTE_PROVIDER="jigsawstack",
        CONCEPT_JIGSAWSTACK_API_KEY="key",
        CONCEPT_PALETTE_FALLBACK="builtin",
    )
    derived = {f"{queue}-{name}" for name in ("render", "paid-openai", "paid-jigsawstack", "paid-builtin")}

    async def reports(kind: str, expected: set[str]) -> None:
        address = free_address()

        async def is_told() -> bool:
            samples = read_page(await scrape(address)).get("concept_backlog_tasks", {})
            told = {dict(labels)["task_queue"] for labels, tasks in samples.items() if tasks == 0}
            assert told <= expected
            return told == expected

        async with shell.running("worker.py", f"--queues={kind}", CONCEPT_METRICS_ADDRESS=address):
            await until(is_told, timeout_s=60)

    await reports("network", {queue, *derived})
    await reports("render", {f"{queue}-render"})


def test_a_workflow_that_sweeps_is_no_concept() -> None:
    """The types that dashboard and alerts count are all those that a task asks for, and none that runs by itself."""
    assert all(re.fullmatch(CONCEPTS, name) for name in WORKFLOWS.values())
    assert not any(re.fullmatch(CONCEPTS, name) for name in (RETENTION_WORKFLOW, RECONCILIATION_WORKFLOW))


def expressions() -> dict[str, str]:
    """What dashboard and alert rules ask Prometheus, by the title of the panel or the name of the alert."""
    dashboard = json.loads((OBSERVABILITY / "dashboard.json").read_text())
    asked = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    }
    groups = yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())["groups"]
    return asked | {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def test_dashboard_and_alerts_ask_for_what_there_is(scraped: Mapping[str, str]) -> None:
    """Each metric of each expression is on a page, with each label that is chosen or grouped by, and such values."""
    pages = [read_page(text) for text in scraped.values()]
    metrics: dict[str, set[tuple[str, str]]] = {}
    for page in pages:
        for name, samples in page.items():
            metrics.setdefault(name, set()).update(pair for labels in samples for pair in labels)
    asked: set[str] = set()
    for where, expression in expressions().items():
        names = set(re.findall(r"\b(?:concept|temporal)_\w+", expression))
        assert names, where
        assert names <= set(metrics), where
        labels = {label for name in names for label, _ in metrics[name]}
        grouped = {one.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for one in group.split(",")}
        assert grouped <= labels, where
        for name, label, values in re.findall(r'(\w+)\{(\w+)[!=~]+"([^"]*)"', expression):
            assert label in {one for one, _ in metrics[name]}, where
            known = OUTCOMES if label == "outcome" else {content for _, content in metrics[name]} | STATUSES
            if label == "workflow_type":
                assert values == CONCEPTS, where
            for one in values.split("|"):
                assert any(re.fullmatch(one, content) for content in known), where
        chosen = re.findall(r"temporal_workflow_(?!task_)\w+(?:\{([^}]*)\})?\[", expression)
        assert set(chosen) <= {f'workflow_type=~"{CONCEPTS}"'}, where
        asked |= {re.sub("_(bucket|count|sum)$", "", name) for name in names}
    ours = {name for text in scraped.values() for name in families(text)}
    assert ours <= asked


def test_the_dashboard_fits_together() -> None:
    """Panels have their own numbers, lie next to each other and say what they show; alerts tell what to do."""
    panels = json.loads((OBSERVABILITY / "dashboard.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        assert panel["type"] == "row" or panel["description"]
        taken |= cells
    for group in yaml.safe_load((OBSERVABILITY / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"].keys() == {"summary", "description"}
