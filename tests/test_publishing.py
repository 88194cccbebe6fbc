from __future__ import annotations

from pathlib import Path

import pytest

from commands.console import BadInput
from commands.options import resource_path
from commands.publishing import _read_requests
from tests.rig import make_request


def test_one_message_or_one_a_line(tmp_path: Path) -> None:
    """A JSON document on as many lines as it likes, or JSONL with empty lines; each is sent as it stands there."""
    one, other = make_request(), make_request()
    file = tmp_path / "tasks"
    file.write_text(one.model_dump_json(indent=2))
    assert _read_requests(file) == [(one, file.read_bytes())]
    file.write_text(f"{one.model_dump_json()}\n\n{other.model_dump_json()}\n")
    assert [request for request, _ in _read_requests(file)] == [one, other]
    assert _read_requests(file)[1][1] == other.model_dump_json().encode()
    file.write_text(f"{one.model_dump_json()}\n")
    assert [request for request, _ in _read_requests(file)] == [one]
    for encoding in ("utf-8-sig", "utf-16"):  # as Windows writes them
        file.write_text(f"{one.model_dump_json()}\n{other.model_dump_json()}\n", encoding)
        assert _read_requests(file)[0] == (one, one.model_dump_json().encode())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Invalid JSON: it ends too early"),
        ("hello", "Invalid JSON"),
        ("{\n}\n", "task_id: Field required"),
        ("{GOOD}\n{}\n", "line 2: task_id: Field required"),
        ("{GOOD}\n\n{GOOD\n", "line 3: Invalid JSON"),
        ('{"task_type": "concept_animation"}', "task_type 'concept_animation' is not known here"),
    ],
)
def test_a_wrong_message_is_told_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    """Before any is sent: the bridge would have to refuse it."""
    file = tmp_path / "tasks"
    file.write_text(text.replace("{GOOD}", make_request().model_dump_json()))
    with pytest.raises(BadInput, match=told):
        _read_requests(file)


def test_a_short_name_is_in_the_project_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full path is taken as it is; anything else is told."""
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    assert resource_path("topics", "projects/p/topics/tasks") == "projects/p/topics/tasks"
    for wrong in ("tasks", "projects/p/subscriptions/tasks", "projects/p/topics/7", "projects/P P/topics/tasks", ""):
        with pytest.raises(BadInput):
            resource_path("topics", wrong)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "my-project")
    assert resource_path("topics", "tasks") == "projects/my-project/topics/tasks"
