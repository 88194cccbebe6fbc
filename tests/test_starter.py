from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shlex
import signal
import socket
import struct
import uuid
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from contracts.concepts import ConceptReport
from contracts.status import ConceptStatus
from contracts.tasks import TaskStatus
from contracts.version import VERSION
from stores.local import LocalStore
from temporal.development_server import EmbeddedServer, find_temporal
from tests.command import Ended, Shell, children_of, finish, make_shell, read_until
from tests.dev import Dev
from tests.rig import BUCKETS, draw_png, make_refinement, make_request

CONCEPT = "0f9d2c1e-7b0c-5b5e-8f39-0a4a3d0a9d55"
WORDS = ("--logo", "lighthouse books", "--theme", "navy and sand")


def report_of(ended: Ended) -> ConceptReport:
    """The result document."""
    return ConceptReport.model_validate_json(ended.out)


async def test_demo_makes_a_concept_and_a_gallery(shell: Shell) -> None:
    """One command on an empty folder: exit 0, one JSON document, a page and a sheet with everything in it."""
    ended = await shell.run("starter.py", "demo", "--json", "--palettes", "3")
    assert ended.code == 0, ended.err
    report = report_of(ended)
    assert set(ended.document) >= {"task_id", "concept_id", "status", "image", "variations", "gallery"}
    assert report.status is TaskStatus.COMPLETED
    assert len(report.variations) == 3
    assert report.provenance is not None
    assert report.provenance.sample
    assert report.gallery is not None
    page = Path(report.gallery)
    assert page.is_absolute()
    assert page.read_text().count("data:image/png;base64,") >= 4
    Image.open(page.with_name("contact-sheet.png")).verify()
    assert "render variations" in ended.err


async def test_interrupting_a_demo_leaves_nothing_half_done(shell: Shell) -> None:
    """Ctrl-C in the middle: exit 130, no process left, no draft, and the next demo works on the same data."""
    process = await shell.start("starter.py", "demo")
    assert process.stderr is not None
    line = await read_until(process.stderr, "Task ")
    children = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    ended = await finish(process)
    assert ended.code == 130, ended.err
    assert "Traceback" not in ended.err
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children.values())
    assert not list((shell.data / "objects" / ".incoming").iterdir())
    again = await shell.run("starter.py", "demo", "--palettes", "2", "--json")
    assert again.code == 0, again.err
    assert str(report_of(again).task_id) not in line


async def test_dev_and_demo_end_without_their_server(tmp_path: Path) -> None:
    """Killed or stopped in its tracks, the server of `dev` or `demo` does not hold up their end, nor what they say."""

    async def interrupted(folder: str, fate: signal.Signals, *arguments: str) -> Ended:
        (tmp_path / folder).mkdir()
        async with make_shell(tmp_path / folder).running("starter.py", *arguments) as process:
            assert process.stderr is not None
            await read_until(process.stderr, "Ctrl-C")
            server = children_of(process.pid)["temporal"]
            os.kill(server, fate)
            process.send_signal(signal.SIGINT)
            ended = await finish(process)
        assert not Path(f"/proc/{server}").exists()
        assert not (tmp_path / folder / ".data" / "dev.json").exists()
        return ended

    ends = await asyncio.gather(
        interrupted("killed", signal.SIGKILL, "dev"),
        interrupted("stopped", signal.SIGSTOP, "dev"),
        interrupted("demo", signal.SIGKILL, "demo", "--palettes", "1", "--keep"),
    )
    assert [ended.code for ended in ends] == [0, 0, 0]
    assert "leaving without it" in ends[1].err  # a killed server may end polls by itself, a stopped one never does
    assert not any("Traceback" in ended.err for ended in ends)


async def test_generate_status_watch_gallery(dev: Dev) -> None:
    """The commands find the server of `dev` by the data directory and agree about a concept."""
    made = await dev.shell.run("starter.py", "generate", *WORDS, "--palettes", "2", "--json")
    assert made.code == 0, made.err
    report = report_of(made)
    asked = await dev.shell.run("starter.py", "status", str(report.task_id), "--json")
    status = ConceptStatus.model_validate_json(asked.out)
    assert (asked.code, status.state, status.percent, status.source) == (0, TaskStatus.COMPLETED, 100, "workflow")
    watched = await dev.shell.run("starter.py", "watch", str(report.task_id), "--json")
    assert (watched.code, watched.document) == (0, made.document)
    shown = await dev.shell.run("starter.py", "gallery", str(report.concept_id), "--out", "pages", "--json")
    assert shown.code == 0, shown.err
    assert (dev.shell.folder / "pages" / "index.html").exists()
    # By either id, next to the gallery and as a zip; progress is told, and the gallery links what lies beside it now.
    documents = []
    for id_, zipped in ((report.task_id, ()), (report.concept_id, ("--zip",))):
        packed = await dev.shell.run("starter.py", "export", str(id_), "--out", "pages", *zipped, "--json")
        assert packed.code == 0, packed.err
        assert "3 of 3: variations/02-" in packed.err
        assert packed.document["concept_id"] == str(report.concept_id)
        documents.append(packed.document)
    names = documents[0]["files"]
    assert isinstance(names, list)
    assert all((dev.shell.folder / "pages" / name).is_file() for name in names)
    with zipfile.ZipFile(str(documents[1]["path"])) as archive:
        assert archive.namelist() == names
    assert 'href="base/logo.svg"' in (dev.shell.folder / "pages" / "index.html").read_text()
    late = await dev.shell.run("starter.py", "cancel", str(report.task_id), "--json")
    assert late.code == 2
    assert late.err.strip() == f"starter.py: task {report.task_id} is completed already"


@pytest.mark.parametrize(
    ("kind", "command"),
    [("PNG", ("demo",)), *((kind, ("generate", *WORDS)) for kind in ("PNG", "JPEG", "WEBP", "GIF"))],
)
async def test_a_concept_starts_from_a_given_image(dev: Dev, shell: Shell, kind: str, command: tuple[str, ...]) -> None:
    """`--image` takes what people have; what is published is an upright PNG of the same size."""
    mode = "RGBA" if kind in {"PNG", "WEBP"} else "RGB"
    Image.open(io.BytesIO(draw_png(80))).convert(mode).save(shell.folder / "logo", kind)
    given = ("--palettes", "2", "--image", str(shell.folder / "logo"))
    ended = await (shell if command == ("demo",) else dev.shell).run("starter.py", *command, *given, "--json")
    assert ended.code == 0, ended.err
    report = report_of(ended)
    assert report.image is not None
    assert (report.image.width, report.image.height, report.image.media_type) == (80, 80, "image/png")
    assert len(report.variations) == 2


async def test_the_temporal_cli_answers_about_a_concept(dev: Dev) -> None:
    """`temporal workflow query` prints the status document."""
    made = report_of(await dev.shell.run("starter.py", "generate", *WORDS, "--palettes", "1", "--json"))
    command = ["workflow", "query", "--type", "status", "-w", f"concept-{made.task_id}", "--output", "json"]
    process = await asyncio.create_subprocess_exec(
        find_temporal(), *command, "--address", dev.address, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    answer = json.loads(out)["queryResult"][0]
    assert (answer["task_id"], answer["state"], answer["percent"]) == (str(made.task_id), "completed", 100)


async def test_starting_the_same_task_twice(dev: Dev) -> None:
    """The second start reports the first one's concept and makes nothing."""
    task_id = str(uuid.uuid4())
    arguments = ("starter.py", "generate", *WORDS, "--palettes", "1", "--task-id", task_id, "--json")
    first, second = await asyncio.gather(dev.shell.run(*arguments), dev.shell.run(*arguments))
    third = await dev.shell.run(*arguments)
    assert (first.code, second.code, third.code) == (0, 0, 0)
    assert first.document == second.document == third.document
    assert "ended before" in third.err


async def test_a_task_file_is_a_task_message(dev: Dev) -> None:
    """`--task-file` takes what the web application publishes, unknown fields and all."""
    request = make_request(num_palettes=1)
    message = request.model_dump(mode="json") | {"priority": "high", "notes": "x" * 100_000}
    (dev.shell.folder / "message.json").write_text(json.dumps(message))
    ended = await dev.shell.run("starter.py", "generate", "--task-file", "message.json", "--json")
    assert ended.code == 0, ended.err
    assert report_of(ended).concept_id == request.concept_id


async def test_a_second_dev_on_the_same_folder_is_refused(dev: Dev) -> None:
    """Two servers on one database would destroy it."""
    ended = await dev.shell.run("starter.py", "dev")
    assert ended.code == 2
    assert ended.err.strip().startswith("starter.py: another process runs a Temporal server on")


async def test_a_task_without_a_worker(shell: Shell, server: EmbeddedServer) -> None:
    """No worker: status answers pending from the row, cancel waits no longer than it must, the row is true."""
    environment = {"TEMPORAL_ADDRESS": server.address, "CONCEPT_TASK_QUEUE": f"test-{uuid.uuid4()}"}
    started = await shell.run("starter.py", "generate", *WORDS, "--no-wait", "--json", **environment)
    assert started.code == 0, started.err
    task_id = str(started.document["task_id"])
    assert started.document["status"] == "pending"
    asked = await shell.run("starter.py", "status", task_id, "--json", **environment)
    assert asked.code == 0, asked.err
    assert (asked.document["state"], asked.document["source"]) == ("pending", "row")
    cancelling = await shell.start("starter.py", "cancel", task_id, "--json", **environment)
    worker = await shell.start("worker.py", **environment)
    ended = await finish(cancelling)
    worker.send_signal(signal.SIGTERM)
    assert (await finish(worker)).code == 0
    assert ended.code == 0, ended.err
    assert ended.document["state"] == "cancelled"


def bomb(side_px: int) -> bytes:
    """A PNG of a few kilobytes whose header promises side_px² pixels."""
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1_000_000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--logo", ""], "--logo: must have at least 2 characters"),
        (["demo", "--logo", "x" * 5000], "--logo: must have at most 500 characters"),
        (["demo", "--theme", "bell \a rings"], "--theme: contains a control character (U+0007)"),
        (["demo", "--palettes", "0"], "--palettes: must be greater than or equal to 1"),
        (["demo", "--palettes", "25"], "--palettes: must be less than or equal to 24"),
        (["demo", "--palettes", "many"], "--palettes: 'many' is no number; for a file of palettes: --palette-file"),
        (["variations", CONCEPT, "--palettes", "own.json"], "--palettes: 'own.json' is no number; for a file"),
        (["recolor", "good.png", "--palettes", "7", "--out", "o"], "--palettes: a file of palettes is needed; "),
        (["demo", "--image", "missing.png"], "missing.png: No such file or directory"),
        (["demo", "--image", "."], ".: is a folder"),
        (["demo", "--image", "text.png"], "text.png: "),
        (["demo", "--image", "empty.png"], "empty.png: "),
        (["demo", "--image", "bomb.png"], "bomb.png: "),
        (["demo", "--image", "truncated.png"], "truncated.png: "),
        (["generate", "--logo", "only a logo"], "--theme is missing (or give a --task-file)"),
        (["generate", *WORDS, "--user", "../etc"], "--user: must match pattern"),
        (["generate", *WORDS, "--user", "paid"], "--user: 'paid' is reserved"),
        (["generate", *WORDS, "--task-id", "seven"], "not a task id: 'seven' (a UUID is needed)"),
        (["generate", "--task-file", "text.png"], "text.png: Invalid JSON"),
        (["gallery", "seven"], "not a task or concept id: 'seven' (a UUID is needed)"),
        (["gallery", CONCEPT], f"task or concept {CONCEPT} not found"),
        (["export", "seven"], "not a task or concept id: 'seven' (a UUID is needed)"),
        (["export", CONCEPT], f"task or concept {CONCEPT} not found"),
        (["recolor", "good.png", "--palettes", "text.png", "--out", "o"], "text.png: Invalid JSON"),
        (["recolor", "good.png", "--palettes", "escape.json", "--out", "o"], "escape.json: '../x' cannot be a file"),
        (
            ["recolor", "good.png", "--palettes", "one.json", "--out", "o"],
            "one.json: 'p': colors: must have at least 2 items",
        ),
        (["recolor", "text.png", "--palettes", "good.json", "--out", "o"], "text.png: "),
        (
            ["generate", "--logo", "a fox", "--palette-file", "bell.json"],
            "--palette-file: ",
        ),
        (["batch", "text.png"], "text.png: no line is a task message; line 1: "),
        (["batch", "/dev/zero"], "/dev/zero: is no file that can be read twice"),
        (["batch", "missing.jsonl"], "missing.jsonl: No such file or directory"),
        (["recolor", "good.png", "--palettes", "good.json", "--out", "good.png"], "good.png: File exists"),
        (["refine", "--prompt", "a longer tail"], "exactly one of --concept and --image-url is needed"),
        (
            ["refine", "--prompt", "a longer tail", "--image-url", "https://a.com/a.png", "--concept", CONCEPT],
            "exactly one of --concept and --image-url is needed",
        ),
        (["refine", "--prompt", "n", "--concept", CONCEPT], "--prompt: must have at least 2 characters"),
        (["refine", "--prompt", "a longer tail", "--concept", "seven"], "not a concept id: 'seven'"),
        (
            ["refine", "--prompt", "a longer tail", "--image-url", "file:///etc/passwd"],
            "--image-url: must match pattern",
        ),
        (
            ["refine", "--prompt", "a longer tail", "--concept", CONCEPT, "--preserve", "colors,mood"],
            "--preserve: must be 'colors', 'layout', 'style' or 'shapes'",
        ),
        (
            ["refine", "--prompt", "a longer tail", "--image-url", "https://a.com/a.png", "--palettes", "3"],
            "--palettes needs a --theme where the logo comes from a URL",
        ),
        (["variations", "seven", "--theme", "bold neon"], "not a concept id: 'seven'"),
        (["variations", CONCEPT, "--theme", "bold neon", "--palettes", "0"], "--palettes: must be greater than"),
        (
            ["generate", "--task-file", "m.json", "--user", "local"],
            "--task-file says everything: give it without --user",
        ),
        (
            ["generate", "--task-file", "m.json", "--palettes", "3", "--candidates", "1", "--logo", "a fox"],
            "--task-file says everything: give it without --logo and --palettes and --candidates",
        ),
        (["generate", "--task-file", "large.json"], "large.json: larger than 1024 KB"),
        (["reconcile", "--older-than", "70000000000"], "Invalid value for '--older-than': "),
        (["paint"], "No such command 'paint'"),
        (["demo", "--colour"], "No such option: --colour"),
    ],
)
async def test_bad_input_gets_one_clear_line(shell: Shell, arguments: list[str], message: str) -> None:
    """Exit code 2, one line that says what is wrong, the same in the JSON document, and no server was started."""
    files = {
        "text.png": b"<html>not an image</html>",
        "empty.png": b"",
        "bomb.png": bomb(30_000),
        "truncated.png": draw_png()[:-40],
        "good.png": draw_png(),
        "good.json": b'{"two": ["#000", "#fff"]}',
        "bell.json": b'{"one": ["#000", "#fff"], "a\\u0007b": ["#000", "#fff"]}',
        "escape.json": b'{"../x": ["#000", "#fff"]}',
        "one.json": b'{"p": ["#000"]}',
        "large.json": b" " * (1024 * 1024 + 1),
    }
    for name, data in files.items():
        (shell.folder / name).write_bytes(data)
    ended = await shell.run("starter.py", *arguments, "--json")
    assert ended.code == 2, ended.err
    assert ended.err.startswith(f"starter.py: {message}")
    assert ended.err.count("\n") == 1
    error = ended.document["error"]
    assert isinstance(error, dict)
    assert ended.err == f"starter.py: {error['message']}\n"
    assert not (shell.data / "temporal.sqlite3").exists()


async def test_settings_problems_are_listed_at_once(shell: Shell) -> None:
    """An unknown provider and a bad number: two lines, each naming its variable."""
    ended = await shell.run("starter.py", "demo", CONCEPT_IMAGE_PROVIDER="midjourney", CONCEPT_RENDER_THREADS="none")
    assert ended.code == 2
    lines = ended.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("starter.py: CONCEPT_IMAGE_PROVIDER: ")
    assert lines[1].startswith("starter.py: CONCEPT_RENDER_THREADS: ")


async def test_a_port_in_use_is_refused(shell: Shell) -> None:
    """`dev --port` takes no other port than the one it was told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await shell.run("starter.py", "dev", "--port", str(port))
    assert (ended.code, ended.err) == (2, f"starter.py: port {port} is in use\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "not even an id"],
        ["cancel", "6f1f0c58-3c3e-4d52-9a64-0d7b5f0a9c21"],
        ["watch", "x"],
        ["generate", *WORDS],
    ],
)
async def test_an_unreachable_server_is_said_first(shell: Shell, arguments: list[str]) -> None:
    """Exit code 3 with one line, before any id is judged."""
    ended = await shell.run("starter.py", *arguments, "--json", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert ended.code == 3
    assert ended.err.startswith("starter.py: no Temporal server answers at 127.0.0.1:1: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "watch", "cancel", "retry"])
async def test_an_unknown_id_is_bad_input(dev: Dev, command: str) -> None:
    """Exit code 2 with one line."""
    task_id = str(uuid.uuid4())
    ended = await dev.shell.run("starter.py", command, task_id)
    assert (ended.code, ended.err) == (2, f"starter.py: task {task_id} not found\n")


async def test_another_store_than_the_worker_s_is_bad_input(dev: Dev, shell: Shell) -> None:
    """No service is away: a script must not repeat the command until it is mended."""
    ended = await shell.run("starter.py", "generate", *WORDS, "--palettes", "1", TEMPORAL_ADDRESS=dev.address)
    assert ended.code == 2
    assert ended.err.splitlines()[-1].endswith("does the worker use another store?")


async def test_a_pending_row_can_be_cancelled(dev: Dev) -> None:
    """A task that was recorded and never started is settled by `cancel`, and stays so when it is delivered later."""
    request = make_request(num_palettes=1, user_id="local")
    store = LocalStore(dev.shell.data, *BUCKETS)
    await store.claim_task(request, "a workflow that is gone")
    cancelled = await dev.shell.run("starter.py", "cancel", str(request.concept_id), "--json")
    assert (cancelled.code, cancelled.document["state"]) == (0, "cancelled"), cancelled.err
    (dev.shell.folder / "late.json").write_text(request.model_dump_json())
    late = await dev.shell.run("starter.py", "generate", "--task-file", "late.json", "--json")
    assert (late.code, late.document["status"]) == (1, "cancelled"), late.err
    row = await store.task(request.task_id)
    await store.close()
    assert row is not None
    assert row.status is TaskStatus.CANCELLED


async def test_from_one_concept_to_the_next(dev: Dev) -> None:
    """Refined, varied and retried by commands: each ends with its own result document, linked to its source."""
    made = report_of(await dev.shell.run("starter.py", "generate", *WORDS, "--palettes", "1", "--json"))
    source = str(made.concept_id)
    refining = ("starter.py", "refine", "--concept", source, "--prompt", "calmer, ocean blues", "--palettes", "2")
    refined = await dev.shell.run(*refining, "--preserve", "layout,shapes", "--json")
    assert refined.code == 0, refined.err
    report = report_of(refined)
    assert (report.status, report.refined_from, len(report.variations)) == (TaskStatus.COMPLETED, made.concept_id, 2)
    assert report.image is not None
    assert made.image is not None
    assert report.image.sha256 != made.image.sha256
    shown = await dev.shell.run("starter.py", "gallery", str(report.concept_id), "--out", "refined", "--json")
    assert shown.code == 0, shown.err

    varied = await dev.shell.run(
        "starter.py", "variations", source, "--theme", "bold neon", "--palettes", "2", "--json"
    )
    assert varied.code == 0, varied.err
    report = report_of(varied)
    assert (report.varied_from, len(report.variations)) == (made.concept_id, 2)
    assert report.image is not None
    assert report.image.sha256 == made.image.sha256

    again = await dev.shell.run("starter.py", "retry", str(made.concept_id), "--json")
    assert (again.code, report_of(again)) == (0, made)
    assert "there is nothing to retry" in again.err
    other = await dev.shell.run("starter.py", "variations", source, "--theme", "bold neon", "--user", "eve")
    assert (other.code, other.err) == (2, f"starter.py: eve has no concept {source}\n")


async def test_one_of_several_is_chosen(dev: Dev) -> None:
    """`status` says where the candidates can be seen, `choose` takes one, and `watch` sees the end of it."""
    started = await dev.shell.run("starter.py", "generate", *WORDS, "--candidates", "2", "--no-wait", "--json")
    task = str(started.document["task_id"])
    status = None
    while status is None or status.choose_until is None:
        asked = await dev.shell.run("starter.py", "status", task, "--json")
        status = ConceptStatus.model_validate_json(asked.out)
    files = [Path(status.links[candidate.image.path]) for candidate in status.candidates]
    first, second = (file.read_bytes() for file in files)
    assert first != second
    shown = await dev.shell.run("starter.py", "status", task)
    assert f"candidate 2: {files[1]}" in shown.out
    (command,) = (line.strip() for line in shown.out.splitlines() if line.endswith(f" choose {task} N"))
    assert shlex.split(command)[1:3] == ["starter.py", "choose"]
    wrong = await dev.shell.run("starter.py", "choose", task, "3")
    assert (wrong.code, wrong.err) == (2, "starter.py: there are candidates 1 to 2, and no 3\n")
    chosen = await dev.shell.run("starter.py", "choose", task, "2", "--json")
    assert (chosen.code, chosen.document["chosen"]) == (0, 2)
    watched = report_of(await dev.shell.run("starter.py", "watch", str(status.concept_id), "--json"))
    assert watched.image is not None
    assert (dev.shell.data / "objects" / watched.image.bucket / watched.image.path).read_bytes() == second
    assert not any(file.exists() for file in files)


async def test_a_refinement_can_be_a_base_alone(dev: Dev) -> None:
    """Without palettes there is a concept without variations, and its gallery shows the base."""
    made = report_of(await dev.shell.run("starter.py", "generate", *WORDS, "--palettes", "1", "--json"))
    request = make_refinement(user_id="local", source_concept_id=made.concept_id, preserve_aspects=["colors"])
    message = request.model_dump(mode="json", exclude={"source_concept_id"}) | {"concept_id": str(made.concept_id)}
    (dev.shell.folder / "refine.json").write_text(json.dumps(message))
    ended = await dev.shell.run("starter.py", "generate", "--task-file", "refine.json", "--json")
    assert ended.code == 0, ended.err
    report = report_of(ended)
    assert (report.variations, report.refined_from) == ((), made.concept_id)
    assert "the logo alone: no palettes were asked for" in ended.err
    shown = await dev.shell.run("starter.py", "gallery", str(report.concept_id), "--out", "alone", "--json")
    assert shown.code == 0, shown.err
    Image.open(dev.shell.folder / "alone" / "contact-sheet.png").verify()


async def test_recolor_needs_no_server(shell: Shell) -> None:
    """One PNG for each palette, named after it, of the same size and alpha; both file forms are understood."""
    image = Image.open(io.BytesIO(draw_png(90))).convert("RGBA")
    image.putpixel((0, 0), (255, 255, 255, 0))
    image.save(shell.folder / "logo.png")
    palettes = [
        {"name": "sea 1", "colors": ["#03045E", "#90E0EF", "CAF0F8"]},
        {"name": "b&w", "colors": ["#000", "#fff"]},
    ]
    (shell.folder / "list.json").write_text(json.dumps(palettes))
    (shell.folder / "table.json").write_text(json.dumps({p["name"]: p["colors"] for p in palettes}))
    for form in ("list", "table"):
        ended = await shell.run(
            "starter.py", "recolor", "logo.png", "--palettes", f"{form}.json", "--out", form, "--json"
        )
        assert ended.code == 0, ended.err
        for name in ("sea 1", "b&w"):
            made = Image.open(shell.folder / form / f"{name}.png").convert("RGBA")
            assert made.size == (90, 90)
            assert made.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    cubes = await shell.run(
        "starter.py", "recolor", "logo.png", "--palettes", "list.json", "--out", "list", "--cube", "--json"
    )
    variations = cubes.document["variations"]
    assert isinstance(variations, list)
    for variation in variations:
        assert Path(variation["cube"]["path"]).read_text().startswith(f'TITLE "{variation["name"]}"')
        assert 0 <= variation["cube"]["error_mean"] <= variation["cube"]["error_percentile_99"] < 0.3
    webp = await shell.run(
        "starter.py", "recolor", "logo.png", "--palettes", "list.json", "--out", "webp", "--format", "webp", "--json"
    )
    assert webp.code == 0, webp.err
    for name in ("sea 1", "b&w"):
        same = [Image.open(shell.folder / path).convert("RGBA") for path in (f"webp/{name}.webp", f"list/{name}.png")]
        assert same[0].tobytes() == same[1].tobytes()
    Image.effect_noise((200, 200), 90).convert("RGB").save(shell.folder / "noise.png")
    (shell.folder / "large.png").write_bytes(draw_png(400))
    for picture, can in (("large.png", True), ("noise.png", False)):
        shapes = await shell.run(
            "starter.py", "recolor", picture, "--palettes", "list.json", "--out", picture[0], "--svg", "--json"
        )
        assert shapes.code == 0, shapes.err
        drawings = shapes.document["variations"]
        assert isinstance(drawings, list)
        for drawing in drawings:
            assert (drawing["svg"] is None, drawing["no_svg"] is None) == (not can, can)
            assert (shell.folder / picture[0] / f"{drawing['name']}.svg").exists() == can
    made_of = webp.document["variations"]
    assert isinstance(made_of, list)
    assert all(shift["chosen"] != shift["shown"] for made in made_of for shift in made["shifted"])
    first, second = (sorted(shell.folder.glob(f"{form}/*.png")) for form in ("list", "table"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("command", ["starter.py", "bridge.py", "starter.py providers", "starter.py store"])
async def test_a_group_of_commands_alone_prints_its_help(shell: Shell, command: str) -> None:
    """The program's name alone shows what it can do, and that is no error."""
    ended = await shell.run(*command.split())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: {command} ")


@pytest.mark.parametrize("program", ["starter.py", "worker.py", "bridge.py", "codec_server.py"])
async def test_every_program_says_its_version(shell: Shell, program: str) -> None:
    """The one of the project, whatever the settings are."""
    ended = await shell.run(program, "--version", CONCEPT_STORE="nonsense")
    assert (ended.code, ended.out) == (0, f"{program} {VERSION}\n")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("starter.py recolor", "[hex, ...]"),
        ("codec_server.py", "POST /decode"),
        ("bridge.py pull", "bridge.py pull --sub"),
    ],
)
async def test_help_is_shown_as_it_is_written(shell: Shell, command: str, shown: str) -> None:
    """Brackets survive, and no mark of the formatter is left."""
    ended = await shell.run(*command.split(), "--help")
    assert shown in ended.out
    assert "\\b" not in ended.out


async def test_a_crash_before_the_readers_eyes(shell: Shell) -> None:
    """`demo --crash`: the first worker is killed after a variation, the second finishes; nothing is drawn twice."""
    ended = await shell.run("starter.py", "demo", "--crash", "--json")
    assert ended.code == 0, ended.err
    assert len(report_of(ended).variations) == 12
    assert "kill -9 " in ended.err
    assert "The logo was drawn once" in ended.err
    table = {words[0]: words[1:] for line in ended.err.splitlines() if (words := line.split()) and "_" in words[0]}
    assert table["generate_image"] == ["1", "-", "1"]
    first, second, *attempts = table["render_variation"]
    assert int(first) >= 1
    assert int(second) >= 1
    assert int(first) + int(second) == 12
    assert len(attempts) in {1, 12}  # one figure where all are alike


async def test_a_finished_concept_says_what_comes_next(dev: Dev) -> None:
    """`generate` ends with the page's link and with commands that work as they are pasted."""
    ended = await dev.shell.run("starter.py", "generate", *WORDS, "--palettes", "2")
    assert ended.code == 0, ended.err
    link = next(line for line in ended.err.splitlines() if line.startswith("Gallery: file://"))
    assert Path(link.removeprefix("Gallery: file://")).is_file()
    steps = [
        line.partition("   # ")[0].strip() for line in ended.err.partition("Next:")[2].splitlines() if line.strip()
    ]
    assert len(steps) == 3
    for step in steps:
        _, program, *arguments = shlex.split(step)
        done = await dev.shell.run(program, *arguments)
        assert done.code == 0, done.err


async def test_a_sample_is_credited_once_and_an_image_is_not_a_panda(shell: Shell) -> None:
    """The terminal says who drew what; a demo about a picture of one's own is named after that picture."""
    (shell.folder / "our-mark.png").write_bytes(draw_png())
    ended = await shell.run("starter.py", "demo", "--image", "our-mark.png", "--theme", "the sea", "--palettes", "1")
    assert ended.code == 0, ended.err
    assert "panda" not in ended.err
    link = next(line for line in ended.err.splitlines() if line.startswith("Gallery: file://"))
    assert "logo from our-mark.png" in Path(link.removeprefix("Gallery: file://")).read_text()
    sample = await shell.run("starter.py", "demo", "--palettes", "1")
    assert sample.err.count("offline sample generator in place of a real image provider") == 1


async def test_a_failed_task_says_where_to_look(dev: Dev) -> None:
    """The reason, the task's page in Temporal and the next command: at its end, and by `status` afterwards."""
    source = ("--image-url", "https://127.0.0.1/logo.png")
    failed = await dev.shell.run("starter.py", "refine", *source, "--prompt", "flatter", "--json")
    assert failed.code == 1, failed.err
    report = report_of(failed)
    assert report.error is not None
    status = await dev.shell.run("starter.py", "status", str(report.concept_id))
    assert status.code == 0, status.err
    for said in (failed.err, status.out):
        assert report.error.message in said
        assert re.search(
            rf"Temporal: http://127\.0\.0\.1:\d+/namespaces/default/workflows/concept-{report.task_id}", said
        )
    for said in (failed.err, status.err):
        assert f"starter.py retry {report.task_id}   # " in said


async def test_another_store_is_told_before_anything_starts(dev: Dev, tmp_path: Path) -> None:
    """Workers that write elsewhere are named before the task begins; with the same store nothing is said."""
    elsewhere = str(tmp_path / "elsewhere")
    words = ("starter.py", "generate", *WORDS, "--palettes", "1", "--no-wait")
    other = await dev.shell.run(*words, CONCEPT_DATA_DIR=elsewhere, TEMPORAL_ADDRESS=dev.address)
    said = [line for line in other.err.splitlines() if line.strip()]
    assert said[0].startswith(f"The workers at {dev.address} have another store than this command ({elsewhere})")
    assert "another store" not in (await dev.shell.run(*words)).err


async def test_palettes_of_ones_own(dev: Dev) -> None:
    """`--palette-file`: the variations have its palettes in their order, none are made; `variations` takes it too."""
    palettes = [
        {"name": "Ours", "colors": ["#0B1F3A", "#C8A45D", "#F4EFE6"], "ground": "#0B1F3A"},
        {"name": "Theirs", "colors": ["#7A1E1E", "#F2D7B6"]},
    ]
    (dev.shell.folder / "own.json").write_text(json.dumps(palettes))
    words = ("--logo", "lighthouse books", "--palette-file", "own.json", "--json")
    ended = await dev.shell.run("starter.py", "generate", *words)
    assert ended.code == 0, ended.err
    report = report_of(ended)
    assert [(one.name, list(one.colors)) for one in report.variations] == [(p["name"], p["colors"]) for p in palettes]
    assert report.variations[0].ground == "#0B1F3A"
    assert report.variations[0].shown is not None
    assert report.variations[0].shown.ground == "#0B1F3A"
    assert report.provenance is not None
    assert report.provenance.palettes is None or not report.provenance.palettes.provider.startswith("builtin")
    more = await dev.shell.run(
        "starter.py", "variations", str(report.concept_id), "--palette-file", "own.json", "--json"
    )
    assert [one.name for one in report_of(more).variations] == ["Ours", "Theirs"]
    (dev.shell.folder / "bad.json").write_text('[{"name": "x", "colors": ["#12"]}]')
    for command in (("generate", "--logo", "a fox"), ("variations", str(report.concept_id)), ("demo",)):
        refused = await dev.shell.run("starter.py", *command, "--palette-file", "bad.json")
        assert refused.code == 2
        assert refused.err.startswith("starter.py: bad.json: ")


async def test_status_without_a_server_is_the_row(shell: Shell) -> None:
    """With Temporal away `status` answers from the row and says so; a task without one is exit 3."""
    made = report_of(await shell.run("starter.py", "demo", "--palettes", "1", "--json"))
    away = {"TEMPORAL_ADDRESS": "127.0.0.1:9"}
    ended = await shell.run("starter.py", "status", str(made.task_id), "--json", **away)
    assert ended.code == 0, ended.err
    found = ConceptStatus.model_validate_json(ended.out)
    assert (found.state, found.source) == (TaskStatus.COMPLETED, "row")
    assert "no Temporal server answers at 127.0.0.1:9" in ended.err
    shown = await shell.run("starter.py", "status", str(made.task_id), **away)
    assert shown.out.splitlines()[0] == f"task {made.task_id} is completed (source: row)"
    assert (await shell.run("starter.py", "status", str(uuid.uuid4()), **away)).code == 3
