from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from contracts.concepts import ConceptReport
from contracts.status import ConceptStatus
from contracts.tasks import TaskStatus
from temporal.development_server import EmbeddedServer
from tests.command import ROOT, Ended, Shell, children_of, finish, make_shell, read_until
from tests.rig import draw_png, until

CONCEPT = "0f9d2c1e-7b0c-5b5e-8f39-0a4a3d0a9d55"
WORDS = ("--logo", "lighthouse books", "--theme", "navy and sand")


def report_of(ended: Ended) -> ConceptReport:
    """The result document."""
    return ConceptReport.model_validate_json(ended.out)


@dataclass(frozen=True)
class Demo:
    """A demo that has ended, and the shell that it ran in."""

    shell: Shell
    ended: Ended


@pytest.fixture(scope="module")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One command on an empty folder."""
    shell = make_shell(tmp_path_factory.mktemp("demo"))
    return Demo(shell, await shell.run("starter.py", "demo", "--json", "--palettes", "3"))


def test_demo_makes_a_concept_and_a_gallery(demo: Demo) -> None:
    """Exit 0, one JSON document, a page and a sheet with everything in it; who drew the sample is said once."""
    ended = demo.ended
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
    assert "Logo: a cute panda eating bamboo; theme: minimalist, green and white\n" in ended.err
    assert "changes nothing" not in ended.err
    assert ended.err.count("offline sample generator in place of a real image provider") == 1


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
        shell = make_shell(tmp_path / folder, PYTHONPATH=str(ROOT))  # for the worker, which is a script of tests
        async with shell.running("tests/impatient_starter.py", *arguments) as process:
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
    assert not any("Traceback" in ended.err for ended in ends)


async def test_a_crash_before_the_readers_eyes(shell: Shell) -> None:
    """`demo --crash`: the first worker is killed after some variations, the second finishes; nothing is drawn twice."""
    ended = await shell.run("starter.py", "demo", "--crash", "--json")
    assert ended.code == 0, ended.err
    assert len(report_of(ended).variations) == 24
    assert "kill -9 " in ended.err
    assert "The logo was drawn once" in ended.err
    table = {words[0]: words[1:] for line in ended.err.splitlines() if (words := line.split()) and "_" in words[0]}
    assert table["generate_image"] == ["1", "-", "1"]
    first, second, *attempts = table["render_variations"]
    assert int(first) >= 1
    assert int(second) >= 1
    assert int(first) + int(second) == 3
    assert len(attempts) in {1, 3}  # one figure where all are alike


async def test_a_demo_starts_from_a_given_image(shell: Shell) -> None:
    """It is published as an upright PNG of the same size, named as it is; what the theme is for then is said."""
    Image.open(io.BytesIO(draw_png(80))).convert("RGBA").save(shell.folder / "our-mark.png")
    (shell.folder / "own.json").write_text('{"two": ["#003049", "#fdf0d5"], "dull": ["#808080", "#8A8A8A", "#757575"]}')
    words = ("--image", "our-mark.png", "--theme", "the sea", "--palette-file", "own.json", "--json")
    ended = await shell.run("starter.py", "demo", *words)
    assert ended.code == 0, ended.err
    assert "panda" not in ended.err
    assert "Logo: logo from our-mark.png; theme: the sea\n" in ended.err
    assert "The theme is shown with the concept, and changes nothing" in ended.err
    report = report_of(ended)
    assert report.gallery is not None
    assert "logo from our-mark.png" in Path(report.gallery).read_text()
    assert report.image is not None
    assert (report.image.width, report.image.height, report.image.media_type) == (80, 80, "image/png")
    alone = await shell.run("starter.py", "recolor", "our-mark.png", "--palettes", "own.json", "--out", "alone")
    moved = [line for line in alone.err.splitlines() if " -> " in line]
    assert moved, alone.err
    assert [line for line in ended.err.splitlines() if " -> " in line] == moved


async def test_status_without_a_server_is_the_row(demo: Demo) -> None:
    """With Temporal away `status` answers from the row and says so; a task without one is exit 3."""
    made, shell = report_of(demo.ended), demo.shell
    away = {"TEMPORAL_ADDRESS": "127.0.0.1:9"}
    ended = await shell.run("starter.py", "status", str(made.task_id), "--json", **away)
    assert ended.code == 0, ended.err
    found = ConceptStatus.model_validate_json(ended.out)
    assert (found.state, found.source) == (TaskStatus.COMPLETED, "row")
    assert "no Temporal server answers at 127.0.0.1:9" in ended.err
    shown = await shell.run("starter.py", "status", str(made.task_id), **away)
    assert shown.out.splitlines()[0] == f"task {made.task_id} is completed (source: row)"
    assert (await shell.run("starter.py", "status", str(uuid.uuid4()), **away)).code == 3


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_recolor_leaves_whole_files(shell: Shell, number: signal.Signals) -> None:
    """Exit code 130 with one document; each file that was written is complete, and the rest was not begun."""
    (shell.folder / "logo.png").write_bytes(draw_png(200))
    names = [f"p{number}" for number in range(900)]
    (shell.folder / "many.json").write_text(json.dumps({name: ["#03045E", "#90E0EF"] for name in names}))
    out = shell.folder / "out"
    async with shell.running(
        "starter.py", "recolor", "logo.png", "--palettes", "many.json", "--out", "out", "--json"
    ) as process:
        await until(lambda: any(out.glob("*.png")))
        process.send_signal(number)
        ended = await finish(process)
    assert (ended.code, ended.document) == (130, {"error": {"type": "Interrupted", "message": "interrupted"}})
    made = list(out.iterdir())
    assert 0 < len(made) < len(names)
    for path in made:
        assert path.suffix == ".png"
        Image.open(path).load()


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
