from __future__ import annotations

import json
import pickle
import uuid

import pytest

from contracts.tasks import GenerationRequest, RefinementRequest, VariationsRequest
from pubsub.envelopes import Message
from pubsub.errors import InvalidMessage
from pubsub.task_messages import MAX_PAYLOAD_BYTES, UNREADABLE, partial_request, read_request
from tests.pubsub.samples import payload_of
from tests.rig import make_request

WORDS = "a fox with a secret"


def message_of(**changes: object) -> Message:
    """A task message that is right, but for `changes`; a field changed to None is left out."""
    fields = json.loads(payload_of(make_request())) | changes
    return Message(data=json.dumps({key: value for key, value in fields.items() if value is not None}).encode())


def test_a_message_becomes_its_request() -> None:
    """Every field, and those of later versions are ignored."""
    request = make_request(is_anonymous=False, num_palettes=12)
    fields = json.loads(payload_of(request)) | {"priority": "high", "nested": {"deep": [1, 2]}}
    assert read_request(Message(data=json.dumps(fields).encode())) == request


def test_a_message_of_before_has_defaults() -> None:
    """What the web application has always sent is enough."""
    request = read_request(message_of(task_type=None, num_palettes=None, is_anonymous=None, min_variations=None))
    assert (request.task_type, request.num_palettes, request.is_anonymous) == ("concept_generation", 7, True)


@pytest.mark.parametrize(
    "fields",
    [
        {"task_type": "concept_refinement", "refinement_prompt": "a longer tail", "concept_id": str(uuid.uuid4())},
        {"task_type": "concept_variations", "theme_description": "bold neon", "concept_id": str(uuid.uuid4())},
    ],
)
def test_each_kind_becomes_its_own_request(fields: dict[str, object]) -> None:
    """What goes on from a concept names it as `concept_id`; the result has an id of its own."""
    message = {"task_id": str(uuid.uuid4()), "user_id": "ada"} | fields
    request = read_request(Message(data=json.dumps(message).encode()))
    assert request.task_type == fields["task_type"]
    assert isinstance(request, RefinementRequest | VariationsRequest)
    assert str(request.source_concept_id) == fields["concept_id"]
    assert request.concept_id != request.source_concept_id
    del message["concept_id"]
    with pytest.raises(InvalidMessage, match="concept_id"):
        read_request(Message(data=json.dumps(message).encode()))


GENERATION: dict[str, object] = {
    "task_id": "5b0c7a52-6a8e-4f0e-9f0c-1d2e3f405162",
    "user_id": "7d1f6a52-2a0e-4f7c-9a53-0c6f0e2f1a11",
    "logo_description": "a cute panda eating bamboo",
    "theme_description": "minimalist, green and white",
}
REFINEMENT: dict[str, object] = {
    "task_id": "5b0c7a52-6a8e-4f0e-9f0c-1d2e3f405162",
    "user_id": "7d1f6a52-2a0e-4f7c-9a53-0c6f0e2f1a11",
    "task_type": "concept_refinement",
    "refinement_prompt": "rounder ears",
    "original_image_url": "https://project.supabase.co/storage/v1/object/sign/concept-images/x/base.png?token=t",
}
PREVIOUS_MESSAGES: list[dict[str, object]] = [
    GENERATION,
    {**GENERATION, "num_palettes": 5, "is_anonymous": False},
    {**GENERATION, "num_palettes": None},
    {**GENERATION, "task_type": "concept_generation", "num_palettes": 12, "is_anonymous": True, "source": "web"},
    {**GENERATION, "logo_description": "IBM", "theme_description": "AI"},
    REFINEMENT,
    {**REFINEMENT, "logo_description": "", "theme_description": ""},
    {**REFINEMENT, "logo_description": "a cute panda", "theme_description": ""},
    {**REFINEMENT, "logo_description": "", "theme_description": "green and white"},
    {**REFINEMENT, "logo_description": None, "theme_description": None, "preserve_aspects": None},
    {**REFINEMENT, "preserve_aspects": []},
    {**REFINEMENT, "preserve_aspects": ["layout", "colors"], "is_anonymous": False},
    {**REFINEMENT, "concept_id": "", "num_palettes": 0, "metadata": {"from": "web"}},
]
"""What the previous system's back end builds: each optional part there, left out, empty or null; and more besides."""


@pytest.mark.parametrize("fields", PREVIOUS_MESSAGES)
def test_messages_of_the_previous_back_end(fields: dict[str, object]) -> None:
    """All are read; a text that is empty is one that is not there."""
    request = read_request(Message(data=json.dumps(fields).encode()))
    assert isinstance(request, GenerationRequest | RefinementRequest)
    assert str(request.task_id) == fields["task_id"]
    for name in ("logo_description", "theme_description"):
        assert getattr(request, name) == (fields.get(name) or None)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "the data is not base64"),
        (b"", "Invalid JSON: it ends too early at byte 0"),
        (b'{"a": "an open text', "Invalid JSON: a text is not closed by a quote at byte 19"),
        (b'{"a": "two\nlines"}', "Invalid JSON: a text has a line break or another control character in it, or "),
        (b'{"a": [1', "Invalid JSON: it ends too early at byte 8"),
        (b"{'a': 1}", "Invalid JSON: a name is not in double quotes at byte 2"),
        (b'{"a": 1} 2', "Invalid JSON: something follows its end at byte 10"),
        (b'{"a": "\xff"}', "Invalid JSON: not text in UTF-8 at byte 8"),
        (b'{\n"a": nil}', "Invalid JSON: not a value at line 2 column 7"),
        (b"\xff", "Invalid JSON"),
        (b"hello", "Invalid JSON"),
        (b"[1]", "an object"),
        (b'{"a": "\\ud800"}', "Invalid JSON"),
        (b'{"a":' + b"[" * 100_000, "Invalid JSON: recursion limit exceeded"),
        (b" " * MAX_PAYLOAD_BYTES + b"{}", "the data is larger than 1024 KB"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes | None, reason: str) -> None:
    """Bytes in which not even a task can be found."""
    with pytest.raises(InvalidMessage) as poison:
        read_request(Message(data=data))
    assert reason in poison.value.reason
    assert poison.value.task_id is None
    assert partial_request(Message(data=data), uuid.uuid4(), "ada") is None


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"logo_description": "n"}, {"logo_description"}),
        ({"logo_description": ""}, {"logo_description"}),
        (
            {"logo_description": WORDS * 100, "theme_description": None},
            {"logo_description", "theme_description"},
        ),
        ({"user_id": "../etc"}, {"user_id"}),
        ({"user_id": "paid"}, {"user_id"}),
        ({"num_palettes": 25}, {"num_palettes"}),
        ({"num_palettes": 2, "min_variations": 3}, set()),
        ({"base_image": {"bucket": "b"}}, {"base_image.path", "base_image.sha256"}),
    ],
)
def test_every_wrong_field_is_named_and_none_is_quoted(changes: dict[str, object], named: set[str]) -> None:
    """The task's id comes along; what a person wrote does not."""
    message = message_of(**changes)
    with pytest.raises(InvalidMessage) as poison:
        read_request(message)
    assert all(f"{name}: " in poison.value.reason for name in named)
    assert WORDS not in poison.value.reason
    assert len(poison.value.reason) <= 500
    assert message.data is not None
    assert poison.value.task_id == uuid.UUID(json.loads(message.data)["task_id"])


@pytest.mark.parametrize(
    ("task_type", "told"),
    [
        ("concept_completion", "'concept_completion'"),
        ("concept_animation", "'concept_animation'"),
        (WORDS, "(not a name)"),
        ({"deep": 1}, "(not a name)"),
        (7, "(not a name)"),
    ],
)
def test_an_unknown_type_is_poison_by_its_name(task_type: object, told: str) -> None:
    """What is not known here yet is refused clearly, not guessed at."""
    with pytest.raises(InvalidMessage, match="is not known here") as poison:
        read_request(message_of(task_type=task_type))
    assert told in poison.value.reason
    assert poison.value.task_id is not None


def test_a_task_id_that_is_none_is_no_id() -> None:
    """Then there is no row that could tell."""
    with pytest.raises(InvalidMessage, match="task_id: ") as poison:
        read_request(message_of(task_id="the first one"))
    assert poison.value.task_id is None


def test_what_can_be_read_is_kept() -> None:
    """The remnant of a refused message has every field that is right by itself, and says which words it lacks."""
    task_id = uuid.uuid4()
    remnant = partial_request(
        message_of(task_id=str(task_id), logo_description=7, theme_description="navy and sand", is_anonymous=False),
        task_id,
        None,
    )
    assert remnant == GenerationRequest(
        task_id=task_id,
        user_id="ada",
        logo_description=UNREADABLE,
        theme_description="navy and sand",
        is_anonymous=False,
    )


def test_a_row_knows_its_owner() -> None:
    """Where the message names no user that can be, the one who is known already is taken; else there is no remnant."""
    task_id = uuid.uuid4()
    message = message_of(user_id=None)
    remnant = partial_request(message, task_id, "grace")
    assert remnant is not None
    assert remnant.user_id == "grace"
    assert partial_request(message, task_id, None) is None


def test_poison_survives_pickling() -> None:
    """Errors that may cross processes keep their attributes."""
    poison = InvalidMessage("no", uuid.uuid4())
    again = pickle.loads(pickle.dumps(poison))  # noqa: S301 -- our own bytes
    assert (again.reason, again.task_id) == (poison.reason, poison.task_id)


@pytest.mark.parametrize("name", ["num_palettes", "min_variations", "candidates"])
@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_no_number(name: str, value: object) -> None:
    """`true` would count as one; the refusal names the field."""
    with pytest.raises(InvalidMessage, match=f"^{name}: must be a whole number$"):
        read_request(message_of(**{name: value}))


@pytest.mark.parametrize("name", ["bytes", "width", "height"])
def test_a_truth_value_is_no_size_of_a_picture(name: str) -> None:
    """As little as it is a number of palettes."""
    image: dict[str, object] = {
        "bucket": "b",
        "path": "ada/a.png",
        "sha256": "0" * 64,
        "bytes": 1,
        "width": 1,
        "height": 1,
    }
    with pytest.raises(InvalidMessage, match=rf"^base_image\.{name}: must be a whole number$"):
        read_request(message_of(base_image=image | {name: True}))
