from __future__ import annotations

import asyncio
import io
import json
import re
import shlex
import signal
import uuid
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from contracts.concepts import ConceptReport
from contracts.status import ConceptStatus
from contracts.tasks import TaskStatus
from stores.local import LocalStore
from temporal.development_server import find_temporal
from tests.command import Ended, Shell, finish, read_until
from tests.dev import Dev
from tests.rig import BUCKETS, draw_png, make_refinement, make_request
from tests.site import fetch

CONCEPT = "0f9d2c1e-7b0c-5b5e-8f39-0a4a3d0a9d55"
WORDS = ("--logo", "lighthouse books", "--theme", "navy and sand")


def report_of(ended: Ended) -> ConceptReport:
    """The result document."""
    return ConceptReport.model_validate_json(ended.out)


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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_concept_starts_from_a_given_image(dev: Dev, kind: str) -> None:
    """`--image` takes what people have; what is published is an upright PNG of the same size."""
    mode = "RGBA" if kind in {"PNG", "WEBP"} else "RGB"
    Image.open(io.BytesIO(draw_png(80))).convert(mode).save(dev.shell.folder / "logo", kind)
    ended = await dev.shell.run("starter.py", "generate", *WORDS, "--palettes", "1", "--image", "logo", "--json")
    assert ended.code == 0, ended.err
    report = report_of(ended)
    assert report.image is not None
    assert (report.image.width, report.image.height, report.image.media_type) == (80, 80, "image/png")
    assert len(report.variations) == 1


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


async def test_the_worker_of_dev_is_watched_where_the_settings_say(dev: Dev) -> None:
    """`dev` is how a worker is run here, so its health page is where `CONCEPT_HEALTH_ADDRESS` says."""
    assert await fetch(dev.health, "/readyz") == (200, '{"status":"ready"}')


async def test_a_second_dev_on_the_same_folder_is_refused(dev: Dev) -> None:
    """Two servers on one database would destroy it."""
    ended = await dev.shell.run("starter.py", "dev")
    assert ended.code == 2
    assert ended.err.strip().startswith("starter.py: another process runs a Temporal server on")


@pytest.mark.parametrize("command", ["status", "watch", "cancel", "retry"])
async def test_an_unknown_id_is_bad_input(dev: Dev, command: str) -> None:
    """Exit code 2 with one line."""
    task_id = str(uuid.uuid4())
    ended = await dev.shell.run("starter.py", command, task_id)
    assert (ended.code, ended.err) == (2, f"starter.py: task {task_id} not found\n")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["generate", *WORDS, "--task-id", "seven"], "task"),
        (["refine", "--prompt", "a longer tail", "--concept", "seven"], "concept"),
        (["variations", "seven", "--theme", "bold neon"], "concept"),
    ],
)
async def test_what_is_no_id_is_bad_input(dev: Dev, arguments: list[str], what: str) -> None:
    """Exit code 2 with one line, once the server has answered; the document names the kind that every bad input has."""
    ended = await dev.shell.run("starter.py", *arguments, "--json")
    message = f"not a {what} id: 'seven' (a UUID is needed)"
    assert (ended.code, ended.err) == (2, f"starter.py: {message}\n")
    assert ended.document == {"error": {"type": "BadInput", "message": message}}


async def test_an_interrupted_export_writes_nothing(dev: Dev) -> None:
    """Ctrl-C half-way: exit 130 with one document, and what is in the folder is what was there."""
    made = report_of(await dev.shell.run("starter.py", "generate", *WORDS, "--palettes", "7", "--json"))
    folder = dev.shell.folder / "half"
    folder.mkdir()
    (folder / "mine.txt").write_text("kept")
    arguments = ("starter.py", "export", str(made.concept_id), "--out", "half", "--json")
    async with dev.shell.running(*arguments) as process:
        await read_until(process.stderr, "2 of 8")
        assert len(list(folder.iterdir())) == 2
        process.send_signal(signal.SIGINT)
        ended = await finish(process)
    assert (ended.code, ended.document) == (130, {"error": {"type": "Interrupted", "message": "interrupted"}})
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


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
    told = await dev.shell.run("starter.py", "status", task)
    assert "candidate 2 is taken" in told.out
    watched = report_of(await dev.shell.run("starter.py", "watch", str(status.concept_id), "--json"))
    assert watched.image is not None
    assert (dev.shell.data / "objects" / watched.image.bucket / watched.image.path).read_bytes() == second
    assert not any(file.exists() for file in files)
    again = await dev.shell.run("starter.py", "choose", task, "2")
    assert again.code == 0, again.err
    assert "candidate 2 is taken" in again.out
    other = await dev.shell.run("starter.py", "choose", task, "1")
    assert (other.code, other.err) == (2, "starter.py: candidate 2 was taken already\n")


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
    assert "the logo alone, no palettes were asked for" in ended.err
    shown = await dev.shell.run("starter.py", "gallery", str(report.concept_id), "--out", "alone", "--json")
    assert shown.code == 0, shown.err
    Image.open(dev.shell.folder / "alone" / "contact-sheet.png").verify()


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
        assert 'starter.py refine --image-url "https://' in said
        assert f"retry {report.task_id}" not in said  # the address stays what it is


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
