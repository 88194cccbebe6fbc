from __future__ import annotations

import json
import socket
import struct
import zlib
from pathlib import Path

import pytest

from contracts.version import VERSION
from tests.command import Terminal
from tests.rig import draw_png

CONCEPT = "0f9d2c1e-7b0c-5b5e-8f39-0a4a3d0a9d55"
WORDS = ("--logo", "lighthouse books", "--theme", "navy and sand")


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """An empty folder and the environment of a fresh machine, in this process."""
    return Terminal(tmp_path, monkeypatch, capsys)


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
        (["generate", "--task-file", "text.png"], "text.png: Invalid JSON"),
        (["gallery", "seven"], "not a task or concept id: 'seven' (a UUID is needed)"),
        (["gallery", CONCEPT], f"task or concept {CONCEPT} not found"),
        (["export", "seven"], "not a task or concept id: 'seven' (a UUID is needed)"),
        (["export", CONCEPT], f"task or concept {CONCEPT} not found"),
        (["recolor", "good.png", "--palettes", "text.png", "--out", "o"], "text.png: Invalid JSON"),
        (
            ["recolor", "good.png", "--palettes", "same.json", "--out", "o"],
            "same.json: two palettes are one file, uber-x.*: 'Über/x' and 'uber-x'",
        ),
        (
            ["recolor", "good.png", "--palettes", "one.json", "--out", "o"],
            'one.json: palette 1 "p": colors: must have at least 2 items',
        ),
        (
            ["recolor", "good.png", "--palettes", "third.json", "--out", "o"],
            'third.json: palette 3 "Ocean": color 2: not a color of the form #RRGGBB',
        ),
        (["recolor", "good.png", "--palettes", "words.json", "--out", "o"], "words.json: palette 2: must be an object"),
        (["demo", "--palette-file", "nameless.json"], "nameless.json: palette 1: color 2: not a color"),
        (["demo", "--palette-file", "third.json"], 'third.json: palette 3 "Ocean": color 2: not a color'),
        (["generate", "--task-file", "task.json"], "task.json: palette 2, color 1: not a color of the form #RRGGBB"),
        (["recolor", "text.png", "--palettes", "good.json", "--out", "o"], "text.png: "),
        (
            ["generate", "--logo", "a fox", "--palette-file", "bell.json"],
            r'bell.json: palette 2 "a\u0007b": contains a control character (U+0007)',
        ),
        (
            ["recolor", "good.png", "--palettes", "bell.json", "--out", "o"],
            r'bell.json: palette 2 "a\u0007b": contains a control character (U+0007)',
        ),
        (["batch", "text.png"], "text.png: no line is a task message; line 1: "),
        (["batch", "good.png", "--out", ""], "--out: a path is needed, and it is empty"),
        (["recolor", "good.png", "--palettes", "good.json", "--out", ""], "--out: a path is needed, and it is empty"),
        (["export", CONCEPT, "--out", ""], "--out: a path is needed, and it is empty"),
        (["gallery", CONCEPT, "--out", " "], "--out: a path is needed, and it is empty"),
        (["batch", "text.png", "--no-wait", "--out", "m"], "--out does not go with --no-wait: "),
        (["batch", "/dev/zero"], "/dev/zero: is no file that can be read twice"),
        (["batch", "missing.jsonl"], "missing.jsonl: No such file or directory"),
        (
            ["recolor", "good.png", "--palettes", "good.json", "--out", "good.png"],
            "good.png: a folder is needed, and a file is in its place",
        ),
        (["refine", "--prompt", "a longer tail"], "exactly one of --concept and --image-url is needed"),
        (
            ["refine", "--prompt", "a longer tail", "--image-url", "https://a.com/a.png", "--concept", CONCEPT],
            "exactly one of --concept and --image-url is needed",
        ),
        (["refine", "--prompt", "n", "--concept", CONCEPT], "--prompt: must have at least 2 characters"),
        (
            ["refine", "--prompt", "a longer tail", "--image-url", "file:///etc/passwd"],
            "--image-url: must match pattern",
        ),
        (
            ["refine", "--prompt", "a longer tail", "--concept", CONCEPT, "--preserve", "colors,mood"],
            "--preserve: must be 'colors', 'layout', 'style' or 'shapes'",
        ),
        (
            ["refine", "--prompt", "bolder", "--concept", CONCEPT, "--preserve", "shapes,style,layout,colors"],
            "--preserve: colors, layout, style and shapes are to be kept",
        ),
        (
            ["refine", "--prompt", "a longer tail", "--image-url", "https://a.com/a.png", "--palettes", "3"],
            "--palettes needs a --theme where the logo comes from a URL",
        ),
        (["variations", CONCEPT, "--theme", "bold neon", "--palettes", "0"], "--palettes: must be greater than"),
        (
            ["generate", "--task-file", "m.json", "--user", "local"],
            "--task-file says everything: give it without --user",
        ),
        (
            ["generate", "--task-file", "m.json", "--palettes", "3", "--candidates", "1", "--logo", "a fox"],
            "--task-file says everything: give it without --logo and --palettes and --candidates",
        ),
        (["generate", "--task-file", "large.json"], "large.json: larger than 1 MB"),
        (
            ["reconcile", "--older-than", "70000000000"],
            "Invalid value for '--older-than': must be less than or equal to",
        ),
        (["choose", CONCEPT, "two"], "Invalid value for 'N': must be a whole number"),
        (["list", "--limit", "1.5"], "Invalid value for '--limit': must be a whole number"),
        (["batch", "f", "--window", "many"], "Invalid value for '--window': must be a whole number"),
        (["generate", *WORDS, "--candidates", ""], "Invalid value for '--candidates': must be a whole number"),
        (["list", "--status", "bad"], "Invalid value for '--status': 'bad' is not one of 'pending', "),
        (
            ["variations", CONCEPT, "--palette-file", "many.json"],
            "--palette-file: must have at most 24 items, not 25",
        ),
        (["demo", "--palettes", "3", "--palette-file", "good.json"], "--palettes does not go with --palette-file"),
        (["variations", CONCEPT, "--palettes", "3", "--palette-file", "good.json"], "--palettes does not go with"),
        (["demo", "--image", "huge.png"], "huge.png: larger than 25 MB: scale it down"),
        (["paint"], "No such command 'paint'"),
        (["demo", "--colour"], "No such option: --colour"),
    ],
)
def test_bad_input_gets_one_clear_line(terminal: Terminal, arguments: list[str], message: str) -> None:
    """Exit code 2, one line that says what is wrong, the same in the JSON document, and no server was started."""
    files = {
        "text.png": b"<html>not an image</html>",
        "empty.png": b"",
        "bomb.png": bomb(30_000),
        "truncated.png": draw_png()[:-40],
        "good.png": draw_png(),
        "good.json": b'{"two": ["#000", "#fff"]}',
        "many.json": json.dumps([{"colors": ["#000", "#fff"]}] * 25).encode(),
        "bell.json": b'{"one": ["#000", "#fff"], "a\\u0007b": ["#000", "#fff"]}',
        "same.json": '{"Über/x": ["#000", "#fff"], "uber-x": ["#000", "#fff"]}'.encode(),
        "one.json": b'{"p": ["#000"]}',
        "nameless.json": b'[{"colors": ["#000", "red"]}]',
        "third.json": b'[{"name": "A", "colors": ["#000", "#fff"]}, {"name": "B", "colors": ["#000", "#fff"]},'
        b' {"name": "Ocean", "colors": ["#000", "blue-ish"]}]',
        "words.json": b'[{"name": "A", "colors": ["#000", "#fff"]}, "blue"]',
        "task.json": b'{"task_id": "0f9d2c1e-7b0c-5b5e-8f39-0a4a3d0a9d55", "user_id": "local", "task_type": '
        b'"concept_generation", "logo_description": "a fox", "palettes": [{"colors": ["#000", "#fff"]},'
        b' {"colors": ["blue-ish", "#fff"]}]}',
        "large.json": b" " * (1024 * 1024 + 1),
        "huge.png": b" " * (25 * 1024 * 1024 + 1),
    }
    for name, data in files.items():
        (terminal.folder / name).write_bytes(data)
    ended = terminal.run("starter.py", *arguments, "--json")
    assert ended.code == 2, ended.err
    assert ended.err.startswith(f"starter.py: {message}")
    assert ended.err.count("\n") == 1
    error = ended.document["error"]
    assert isinstance(error, dict)
    assert ended.err == f"starter.py: {error['message']}\n"
    assert not (terminal.folder / ".data" / "temporal.sqlite3").exists()


def test_settings_problems_are_listed_at_once(terminal: Terminal) -> None:
    """An unknown provider and a bad number: two lines, each naming its variable."""
    ended = terminal.run("starter.py", "demo", CONCEPT_IMAGE_PROVIDER="midjourney", CONCEPT_RENDER_THREADS="none")
    assert ended.code == 2
    lines = ended.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("starter.py: CONCEPT_IMAGE_PROVIDER: ")
    assert lines[1].startswith("starter.py: CONCEPT_RENDER_THREADS: ")


def test_a_port_for_a_server_that_is_not_started_is_refused(terminal: Terminal) -> None:
    """It would be ignored where the environment names a server."""
    ended = terminal.run("starter.py", "dev", "--ui-port", "8000", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert (ended.code, ended.err[:32]) == (2, "starter.py: --port and --ui-port")


def test_a_port_in_use_is_refused(terminal: Terminal) -> None:
    """`dev --port` takes no other port than the one it was told."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = terminal.run("starter.py", "dev", "--port", str(port))
    assert (ended.code, ended.err) == (2, f"starter.py: port {port} is in use\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["status", "not even an id"],
        ["cancel", "6f1f0c58-3c3e-4d52-9a64-0d7b5f0a9c21"],
        ["watch", "x"],
        ["generate", *WORDS],
        ["generate", *WORDS, "--task-id", "seven"],
        ["refine", "--prompt", "a longer tail", "--concept", "seven"],
        ["variations", "seven", "--theme", "bold neon"],
    ],
)
def test_an_unreachable_server_is_said_first(terminal: Terminal, arguments: list[str]) -> None:
    """Exit code 3 with one line, before any id is judged."""
    ended = terminal.run("starter.py", *arguments, "--json", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert ended.code == 3
    assert ended.err.startswith("starter.py: no Temporal server answers at 127.0.0.1:1: ")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_are_read_however_an_editor_writes_them(terminal: Terminal, encoding: str) -> None:
    """A mark before the text, or UTF-16, as Windows writes it, changes nothing in a task message or a palette file."""
    palettes = json.dumps([{"name": "Über", "colors": ["#000", "#fff"]}], ensure_ascii=False)
    message = {"task_id": CONCEPT, "user_id": "local", "task_type": "concept_generation", "logo_description": "Füchse"}
    (terminal.folder / "p.json").write_text(palettes, encoding)
    (terminal.folder / "m.json").write_text(json.dumps(message | {"theme_description": "navy"}), encoding)
    (terminal.folder / "logo.png").write_bytes(draw_png())
    recolored = terminal.run("starter.py", "recolor", "logo.png", "--palettes", "p.json", "--out", "out")
    assert recolored.code == 0, recolored.err
    assert (terminal.folder / "out" / "Über.png").exists()
    told = terminal.run("starter.py", "generate", "--task-file", "m.json", TEMPORAL_ADDRESS="127.0.0.1:1")
    assert told.code == 3, told.err


def test_a_list_of_nothing_says_so(terminal: Terminal) -> None:
    """No table without rows."""
    ended = terminal.run("starter.py", "list", "--user", "nobody")
    assert (ended.code, ended.out) == (0, "no tasks\n")


@pytest.mark.parametrize("command", ["starter.py", "bridge.py", "starter.py providers", "starter.py store"])
def test_a_group_of_commands_alone_prints_its_help(terminal: Terminal, command: str) -> None:
    """The program's name alone shows what it can do, and that is no error."""
    ended = terminal.run(*command.split())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: {command} ")


@pytest.mark.parametrize("program", ["starter.py", "worker.py", "bridge.py", "codec_server.py"])
def test_every_program_says_its_version(terminal: Terminal, program: str) -> None:
    """The one of the project, whatever the settings are."""
    ended = terminal.run(program, "--version", CONCEPT_STORE="nonsense")
    assert (ended.code, ended.out) == (0, f"{program} {VERSION}\n")


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("starter.py recolor", "[hex, ...]"),
        ("codec_server.py", "POST /decode"),
        ("bridge.py pull", "bridge.py pull --sub"),
    ],
)
def test_help_is_shown_as_it_is_written(terminal: Terminal, command: str, shown: str) -> None:
    """Brackets survive, and no mark of the formatter is left."""
    ended = terminal.run(*command.split(), "--help")
    assert shown in ended.out
    assert "\\b" not in ended.out


@pytest.mark.parametrize("out", [("--out", "m.jsonl"), ()])
def test_a_batch_of_bad_lines_has_its_manifest(terminal: Terminal, out: tuple[str, ...]) -> None:
    """The manifest accounts for every line, also where none is a task message; the error says where it is."""
    (terminal.folder / "bad.jsonl").write_text("no task\n\n[]\n")
    ended = terminal.run("starter.py", "batch", "bad.jsonl", *out, "--json")
    assert ended.code == 2
    manifest = Path(ended.err.strip().rpartition("; manifest: ")[2])
    assert not out or manifest == terminal.folder / "m.jsonl"
    lines = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert [(line["line"], line["status"], line["error"][:12]) for line in lines] == [
        (1, "refused", "Invalid JSON"),
        (3, "refused", "must be an o"),
    ]
