"""What the log says, what it must never say, and that no text can forge a line of it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, Protocol

import httpx
import pytest
from pydantic import BaseModel, Field, ValidationError
from temporalio.exceptions import ApplicationError

from contracts import activities as stages
from contracts.activities import stage_of_activity
from contracts.tasks import GenerationRequest, Stage
from observability import expected_failures
from observability.logs import configure_logs
from temporal.development_server import EmbeddedServer
from tests.command import finish, free_address, make_shell, read_until
from tests.rig import make_request
from tests.services import KEY, FakeOpenAI, refusal
from tests.supabase_site.project import OWNER, SupabaseProject
from tests.supabase_site.tokens import service_key

Style = Literal["console", "json"]
Written = Callable[[], str]


class Configure(Protocol):
    """Begins a log; what it returns reads what was written since."""

    def __call__(self, style: Style, level: str = "INFO", *, secrets: tuple[str, ...] = ()) -> Written:
        """Begin."""
        ...


STYLES: tuple[Style, ...] = ("console", "json")
FORGERIES = (
    "harmless\n2026-11-24T00:00:00+00:00 [critical ] forged",
    'harmless\r\n{"severity": "CRITICAL", "message": "forged"}',
    "harmless\x1b[2J\x1b[31mforged",
    "harmless\x00\x07\x08\x7f\x9bforged",
    "harmless\u2028forged\u2029forged\x85forged",
    "harmless\u202eforged\u2066forged\u200fforged",
    "harmless\ud800forged",
)


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Iterator[Configure]:
    """Logs as a process has them, taken back afterwards."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers, root.level, sys.excepthook
    names = [*logging.Logger.manager.loggerDict]
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:  # libraries that other tests loaded may have set levels of their own
        logging.getLogger(name).setLevel(logging.NOTSET)

    def configure(style: Style, level: str = "INFO", *, secrets: tuple[str, ...] = ()) -> Written:
        trace = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
        configure_logs(level, style, secrets=secrets, trace=lambda: trace, project="my-project")
        return lambda: capsys.readouterr().err

    yield configure
    logging.captureWarnings(capture=False)
    sys.excepthook = hook
    root.handlers = handlers
    root.setLevel(level)
    for name in logging.Logger.manager.loggerDict:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


def test_a_json_line_has_the_fields_of_cloud_logging(logs: Configure) -> None:
    """Severity, message and time as Cloud Logging reads them; the trace as a link; fields of ours as fields."""
    written = logs("json")
    logging.getLogger("tests.logs").warning(
        "polling",
        extra={"queues": ["a", "b"], "odd": object, "temporal_workflow": {"workflow_id": "concept-1", "run_id": "x"}},
    )
    logging.getLogger("tests.logs").warning("%d %s", 2, "ways")
    first, second = (json.loads(line) for line in written().splitlines())
    assert (first["severity"], first["message"], first["queues"]) == ("WARNING", "polling", ["a", "b"])
    assert first["time"].endswith("+00:00")
    assert first["odd"] == "<class 'object'>"
    assert first["logging.googleapis.com/labels"] == {"workflow_id": "concept-1", "stage": "workflow"}
    assert first["logging.googleapis.com/trace"] == "projects/my-project/traces/0af7651916cd43dd8448eb211c80319c"
    assert first["logging.googleapis.com/spanId"] == "b7ad6b7169203331"
    source = first["logging.googleapis.com/sourceLocation"]
    assert source["file"] == "tests/test_logs.py"
    assert source["function"] == "test_a_json_line_has_the_fields_of_cloud_logging"
    assert "temporal_workflow" not in first
    assert second["message"] == "2 ways"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_text_forges_a_line(logs: Configure, style: Style, forgery: str) -> None:
    """In message, argument, field, its name, a nested value or an exception: one line that steers no terminal."""
    written = logs(style)
    log = logging.getLogger("tests.logs")
    field = {"reason": forgery, forgery: 1, "deep": {"list": [forgery, {forgery: forgery}]}}
    log.warning(f"said {forgery}", extra=field)  # noqa: G004 -- what other people's code does
    log.warning("said %s", forgery, extra=field)
    lines = written().splitlines()
    assert len(lines) == 2
    for line in lines:
        assert "\\" in line
        assert line.isprintable()
        if style == "json":
            told = json.loads(line)
            assert told["severity"] == "WARNING"
            assert all(text.isprintable() for text in (told["message"], told["reason"], *told))
    log.error("it failed", exc_info=ValueError(forgery))
    lines = written().splitlines()
    assert all(line.isprintable() for line in lines)
    if style == "json":
        assert len(lines) == 1
        assert all(line.isprintable() for line in json.loads(lines[0])["stack_trace"].split("\n"))
    else:
        assert all(line.startswith("  ") for line in lines[1:])
        assert sum("forged" in line for line in lines) == 1


@pytest.mark.parametrize("style", STYLES)
def test_what_is_private_is_taken_out(logs: Configure, style: Style) -> None:
    """Secrets of the settings, queries of URLs, a user's folder; wherever they stand in a record."""
    folder = uuid.uuid4()
    written = logs(style, secrets=("sk-secret", ""))
    url = (
        f"https://abc.supabase.co/storage/v1/object/sign/concept-images/ada-lovelace/{folder}/base.png?token=eyJsigned"
    )
    logging.getLogger("tests.logs").warning("GET %s with %s", url, "sk-secret", extra={"at": [url, "Bearer sk-secret"]})
    error = RuntimeError(f"there is no object concept-images/ada-lovelace/{folder}/base.png for sk-secret")
    logging.getLogger("tests.logs").error("it failed", exc_info=error)
    text = written()
    assert text.count(f"(user)/{folder}/base.png") == 3
    assert "paid/" not in text
    for private in ("ada-lovelace", "eyJsigned", "sk-secret"):
        assert private not in text
    logging.getLogger("tests.logs").warning("kept: paid/%s/image", folder)
    assert f"kept: paid/{folder}/image" in written()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("secret", ["e", "in", "2026", "level"])
def test_a_short_secret_is_taken_out_whole(logs: Configure, style: Style, secret: str) -> None:
    """It goes where it stands alone; words, names of fields, and times that contain it stay as they are."""
    written = logs(style, secrets=(secret,))
    logging.getLogger("tests.logs").warning("sent Bearer %s", secret, extra={"level_in": f"never inline {secret}"})
    text = written()
    assert text.count("(secret)") == 2
    assert "sent Bearer (secret)" in text
    assert "never inline (secret)" in text
    assert "tests.logs" in text
    if style == "json":
        line = json.loads(text)
        assert set(line) >= {"severity", "time", "message", "logger", "level_in"}
        assert datetime.fromisoformat(line["time"]).year >= 2026


@pytest.mark.parametrize("style", STYLES)
def test_a_traceback_shows_no_values(logs: Configure, style: Style) -> None:
    """Where and what happened, from the first cause on: no local variables, nothing that validation refused."""

    class Words(BaseModel):
        prompt: str = Field(max_length=5)

    def fail(prompt: str) -> None:
        try:
            Words(prompt=prompt)
        except ValidationError as exc:
            raise ExceptionGroup("two", [ValueError(f"{len(prompt)} characters"), exc]) from exc

    written = logs(style)
    try:
        fail("a fox with a secret")
    except ExceptionGroup:
        logging.getLogger("tests.logs").exception("it failed")
    text = written()
    assert "a fox" not in text
    assert "19 characters" in text
    assert text.count("prompt: must have at most 5 characters") == 2
    assert "tests/test_logs.py:" in text
    assert str(Path(__file__).parents[1]) not in text
    assert text.index("ValidationError") < text.index("which led to:") < text.index("ExceptionGroup")


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [("DEBUG", "DEBUG", "INFO"), ("INFO", "INFO", "WARNING"), ("WARNING",) * 3, ("ERROR",) * 3],
)
def test_libraries_are_one_step_quieter(logs: Configure, level: str, ours: str, theirs: str) -> None:
    """What prints headers or each request is never as loud as we are."""
    logs("json", level)
    for name in ("__main__", "activities.images", "pubsub.push", "temporalio.worker"):
        assert logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) == ours
    for name in ("httpx", "httpcore.http11", "hpack", "google.cloud.pubsub_v1", "uvicorn.error", "asyncio"):
        assert logging.getLevelName(logging.getLogger(name).getEffectiveLevel()) == theirs


def test_warnings_and_the_end_are_lines_too(logs: Configure) -> None:
    """Python's warnings, and an unhandled exception that ends the process."""
    written = logs("json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old\nfashioned", DeprecationWarning, stacklevel=1)
    error = OSError("no room")
    sys.excepthook(OSError, error, None)
    first, second = (json.loads(line) for line in written().splitlines())
    assert "old\\nfashioned" in first["message"]
    assert (second["severity"], second["message"]) == ("CRITICAL", "unhandled exception")
    assert "OSError: no room" in second["stack_trace"]


def test_every_stage_has_an_activity() -> None:
    """Each stage can be found in log and metrics; an activity of none goes by its own name, and each name is real."""
    protocols = (stages.TaskActivities, stages.ImageActivities, stages.PaletteActivities, stages.VariationActivities)
    activities = {name for protocol in protocols for name in vars(protocol) if not name.startswith("_")}
    assert {stage_of_activity(name) for name in activities} == {*Stage, "fail_task"}


def belonging(lines: list[dict[str, object]], request: GenerationRequest) -> list[dict[str, object]]:
    """The lines about one task."""
    return [line for line in lines if line.get("task_id") == str(request.task_id)]


async def test_a_log_tells_everything_but_what_is_private(
    server: EmbeddedServer, project: SupabaseProject, tmp_path: Path
) -> None:
    """At DEBUG, with failures, over Supabase and a paid service: which task, stage and attempt each line is about.

    No line of worker and starter has the words, the user, a key or a signature.
    """
    words = {"logo_description": "an owl of burnished zircon", "theme_description": "moth-eaten velvet, unlit"}
    request = make_request(user_id=OWNER, num_palettes=2, **words)
    doomed = make_request(user_id=OWNER, num_palettes=2, **words)
    openai = FakeOpenAI()
    async with openai.serving():
        openai.script[openai.image_path] = [
            refusal(503),
            openai.pictured(),
            refusal(400, {"error": {"message": f"no picture of {words['logo_description']}", "type": "bad"}}),
        ]
        shell = make_shell(
            tmp_path,
            TEMPORAL_ADDRESS=server.address,
            CONCEPT_TASK_QUEUE=f"test-{uuid.uuid4()}",
            CONCEPT_STORE="supabase",
            CONCEPT_SUPABASE_URL=project.gateway.url,
            CONCEPT_SUPABASE_SERVICE_ROLE=service_key(),
            CONCEPT_LOG_LEVEL="DEBUG",
            CONCEPT_LOG_FORMAT="json",
            **openai.environment,
        )
        async with shell.running("worker.py") as worker:
            ending = asyncio.create_task(finish(worker))
            said = []
            for one, code in ((request, 0), (doomed, 1)):
                task = ("--user", OWNER, "--task-id", str(one.task_id), "--palettes", "2", "--json")
                told = ("--logo", words["logo_description"], "--theme", words["theme_description"])
                started = await shell.run("starter.py", "generate", *told, *task)
                assert started.code == code, started.err
                said.append("\n".join(line for line in started.err.splitlines() if line.startswith("{")))
            worker.terminate()
            ended = await ending
    assert (ended.code, ended.out) == (0, "")
    said.append(ended.err)
    for private in (*words.values(), OWNER, KEY, service_key(), "token="):
        assert not [line for text in said for line in text.splitlines() if private in line], private

    lines = [json.loads(line) for line in ended.err.splitlines()]
    about = belonging(lines, request)
    done = set(Stage) - {Stage.UPLOAD}  # which the image's call does
    assert {line["stage"] for line in about if "stage" in line} >= done
    assert [
        line["attempt"] for line in about if line["message"] == "Starting activity" and line["stage"] == "image"
    ] == [1, 2]
    for line in about:
        assert {"workflow_id", "stage"} <= set(line), line
        labels = line["logging.googleapis.com/labels"]
        assert isinstance(labels, dict)
        assert labels["task_id"] == str(request.task_id)
    requests = [line for line in lines if line["logger"] == "httpx"]
    assert {line["stage"] for line in requests if line.get("task_id") == str(request.task_id)} == done
    failures = [line for line in belonging(lines, doomed) if line["severity"] in {"WARNING", "ERROR"}]
    assert any("stack_trace" in line and line["stage"] == "image" for line in failures)


async def test_a_bridges_lines_name_message_and_task(server: EmbeddedServer, tmp_path: Path) -> None:
    """From the moment a message has been read, whatever is logged on its way says which task it is about.

    And how often it has come, where Pub/Sub counts.
    """
    address = free_address()
    host, _, port = address.rpartition(":")
    shell = make_shell(
        tmp_path,
        TEMPORAL_ADDRESS=server.address,
        CONCEPT_TASK_QUEUE=f"test-{uuid.uuid4()}",
        CONCEPT_PUSH_AUTH="off",
        CONCEPT_LOG_LEVEL="DEBUG",
        CONCEPT_LOG_FORMAT="json",
    )
    request = make_request()
    data = base64.b64encode(request.model_dump_json().encode()).decode()
    async with shell.running("bridge.py", "push", "--host", host, "--port", port) as bridge:
        assert bridge.stderr is not None
        await read_until(bridge.stderr, "listening")
        async with httpx.AsyncClient(trust_env=False) as http:
            for body in (
                {"message": {"data": data, "messageId": "11"}},
                {"message": {"data": "e30=", "messageId": "12"}, "deliveryAttempt": 3},
            ):
                assert (await http.post(f"http://{address}/", json=body)).status_code == 204
        bridge.terminate()
        _, err = await bridge.communicate()
    lines = [json.loads(line) for line in err.decode().splitlines()]
    delivered = next(line for line in lines if line["message"] == "delivered")
    refused = next(line for line in lines if line["message"] == "a message can never succeed")
    assert (delivered["message_id"], delivered["task_id"]) == ("11", str(request.task_id))
    assert (refused["message_id"], refused["task_id"]) == ("12", None)
    assert ("delivery_attempt" in delivered, refused.get("delivery_attempt")) == (False, 3)
    assert request.user_id not in err.decode().split('"')


def outage() -> ApplicationError:
    """What an activity raises where a service is away, with the cause that led to it."""
    error = ApplicationError("OpenAI cannot be reached", type="ProviderUnavailable")
    error.__cause__ = ConnectionRefusedError(111, "refused")
    return error


def test_an_expected_outage_is_one_line(logs: Configure) -> None:
    """At a terminal: what failed, why, and where to look, without a traceback; a bug keeps its own."""
    written = logs("console")
    log = logging.getLogger("activities")
    log.warning("Completing activity as failed", exc_info=outage(), extra={"workflow_id": "concept-1"})
    line = written()
    assert line.count("\n") == 1
    assert "attempt failed: OpenAI cannot be reached (tried again; temporal workflow show -w concept-1)" in line
    written = logs("console")
    log.warning("Completing activity as failed", exc_info=ZeroDivisionError("by zero"))
    assert "ZeroDivisionError: by zero" in written()


def test_the_message_of_an_outage_has_the_reason_in_json(logs: Configure) -> None:
    """Where logs are searched by message; the trace is still there, and final failures and pauses are told apart."""
    written = logs("json")
    log = logging.getLogger("activities")
    log.warning("Completing activity as failed", exc_info=outage())
    log.warning("x", exc_info=ApplicationError("no key", non_retryable=True))
    log.warning("x", exc_info=ApplicationError("slow down", next_retry_delay=timedelta(seconds=21)))
    lines = [json.loads(line) for line in written().splitlines()]
    assert [line["message"] for line in lines] == [
        "attempt failed: OpenAI cannot be reached (tried again)",
        "attempt failed: no key (final)",
        "attempt failed: slow down (tried again in 21 s)",
    ]
    assert "ConnectionRefusedError" in lines[0]["stack_trace"]
    assert not any("expected" in line for line in lines)


def test_the_sdks_own_retries_are_counted_into_one_line(logs: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty repeated calls are one line with the reason; the next one, a minute later, says how many there were."""
    written = logs("console")
    core = logging.getLogger("temporalio-sdk_core::temporalio_client::retry")
    error = 'Status { code: Unavailable, message: "tcp connect error", source: Some(x) }'
    fields = SimpleNamespace(fields={"error": error})
    for number in range(60):
        core.warning(f"gRPC call poll_activity_task_queue retried {number} times", extra={"temporal_log": fields})
    core.warning("something else")
    said = written()
    assert said.count("\n") == 2
    assert "Temporal cannot be reached (tcp connect error); the SDK repeats its calls " in said
    monkeypatch.setattr(expected_failures, "_SUMMARY_EVERY_S", 0.0)
    core.warning("gRPC call poll_workflow_task_queue retried 9 times", extra={"temporal_log": fields})
    assert "the SDK repeats its calls, 60 times since the last such line" in written()
