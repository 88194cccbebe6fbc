from __future__ import annotations

import importlib
import pickle
import pkgutil
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

import contracts
import providers.errors
import stores.errors
from contracts.concepts import Concept
from contracts.images import MAX_IMAGE_BYTES, MAX_IMAGE_SIDE_PX, ImageRef
from contracts.palettes import HexColor, Palette, rgb8
from contracts.tasks import GenerationRequest, Stage, TaskError, TaskStatus, concept_id, workflow_id
from contracts.validation import problems
from contracts.workflows import paid_queue, render_queue
from providers.errors import ProviderError, ProviderThrottled
from stores.errors import StoreError, TaskHeld
from tests.rig import make_concept, make_request

TASK = uuid.UUID("0b9f1a52-6f3e-4c55-9d54-1f0a7f4f9c01")
IMAGE: dict[str, object] = {
    "bucket": "concept-images",
    "path": "ada/logo.png",
    "sha256": "0" * 64,
    "bytes": 1,
    "width": 1,
    "height": 1,
}


def all_models() -> list[type[BaseModel]]:
    """Every model that a module of `contracts` defines."""
    models = []
    for module_info in pkgutil.iter_modules(contracts.__path__, "contracts."):
        module = importlib.import_module(module_info.name)
        models += [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
        ]
    return models


# Colors

COLOR = TypeAdapter[str](HexColor)


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("#1D3557", "#1D3557"),
        ("#1d3557", "#1D3557"),
        ("1d3557", "#1D3557"),
        ("#fa0", "#FFAA00"),
        ("FA0", "#FFAA00"),
        (" #000 ", "#000000"),
    ],
)
def test_a_color_has_one_form(text: str, color: str) -> None:
    """Any case, three digits or six, with or without `#`: canonically `#RRGGBB`, which stays as it is."""
    assert COLOR.validate_python(text) == color
    assert COLOR.validate_python(color) == color


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#12",
        "#1234",
        "#12345",
        "#1234567",
        "#12345678",
        "##123456",
        "#GGGGGG",
        "red",
        "#\uff11\uff12\uff13",
        "#12 456",
    ],
)
def test_anything_else_is_no_color(text: str) -> None:
    """No names, no alpha, no foreign digits."""
    with pytest.raises(ValidationError, match="not a color of the form #RRGGBB"):
        COLOR.validate_python(text)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_a_color_keeps_its_channels(rgb: tuple[int, int, int]) -> None:
    """`rgb8` reads what the canonical form says."""
    assert rgb8(COLOR.validate_python("{:02x}{:02x}{:02x}".format(*rgb))) == rgb


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, False), (2, True), (8, True), (9, False)])
def test_a_palette_has_two_to_eight_colors(count: int, *, fits: bool) -> None:
    """One color is no palette, and nine cannot be told apart in a logo."""
    colors = ["#123456"] * count
    if fits:
        assert Palette.model_validate({"name": "x", "colors": colors}).colors == tuple(colors)
    else:
        with pytest.raises(ValidationError):
            Palette.model_validate({"name": "x", "colors": colors})


@pytest.mark.parametrize(
    ("colors", "said"),
    [
        (["red", "#FFF"], ["color 1: not a color of the form #RRGGBB: 'red'"]),
        (["#FFF"], ["colors: must have at least 2 items, not 1"]),
        ([], ["colors: must have at least 2 items, not 0"]),
    ],
)
def test_a_list_with_wrong_items_is_not_called_too_short(colors: list[str], said: list[str]) -> None:
    """Whoever wrote two colors is told of the one that is wrong, and not that one is missing."""
    with pytest.raises(ValidationError) as caught:
        Palette.model_validate({"name": "x", "colors": colors})
    assert [str(problem) for problem in problems(caught.value)] == said


# The task message


def test_what_a_palette_leaves_empty_is_not_there() -> None:
    """An empty text, or a null, in a palette of a message is as one that is missing; a blank name is no name."""
    colors = ["#000", "#FFF"]
    empty = {"name": "", "colors": colors, "description": "", "ground": ""}
    blank = {"name": " \t", "colors": colors, "description": None, "ground": None}
    first, second = make_request(palettes=[empty, blank]).palettes
    assert (first.name, first.description, first.ground) == ("Palette 1", "", None)
    assert (second.name, second.description, second.ground) == ("Palette 2", "", None)


@pytest.mark.parametrize("field", ["logo_description", "theme_description"])
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("12345", "12345"),
        ("x" * 500, "x" * 500),
        ("  \n 12345 \t", "12345"),
        (" " * 600 + "12345", "12345"),
        ("🐼" * 500, "🐼" * 500),
        ("two\nlines\tand a tab\r\n", "two\nlines\tand a tab"),
        ("\u05d0\u202e e\u0301 👩\u200d👧", "\u05d0\u202e e\u0301 👩\u200d👧"),
    ],
)
def test_a_description_is_five_to_500_characters(field: str, text: str, kept: str) -> None:
    """Counted as characters, after the white space around it is gone; any script, and line breaks."""
    request = make_request(**{field: text})
    assert request.model_dump()[field] == kept


@pytest.mark.parametrize("field", ["logo_description", "theme_description"])
@pytest.mark.parametrize("text", ["", "1", " 1 ", " " * 20, "x" * 501, "bad\0bad", "bad\x1bbad", "bad\x85bad"])
def test_other_descriptions_are_refused(field: str, text: str) -> None:
    """Too short, too long, or with characters that a terminal or a database would stumble over."""
    with pytest.raises(ValidationError) as refusal:
        make_request(**{field: text})
    assert [error["loc"] for error in refusal.value.errors()] == [(field,)]


@pytest.mark.parametrize("escaped", ["\\ud800", "\\udfff", "\\ude00\\ud83d"])
def test_half_a_character_is_refused(escaped: str) -> None:
    """A lone surrogate, which JSON can spell and UTF-8 cannot, in a message or in a string."""
    message = make_request().model_dump_json().replace("a fox for", f"a fox {escaped} for")
    with pytest.raises(ValidationError):
        GenerationRequest.model_validate_json(message)
    with pytest.raises(ValidationError):
        make_request(logo_description=f"a fox {escaped.encode().decode('unicode_escape')} for")


@pytest.mark.parametrize("user_id", ["a", "A-b_9", "x" * 64, str(TASK), "paid-by-card"])
def test_a_user_id_can_be_a_path_segment(user_id: str) -> None:
    """Letters, digits, dashes and underscores, up to 64."""
    assert make_request(user_id=user_id).user_id == user_id


@pytest.mark.parametrize(
    "user_id", ["", "x" * 65, "paid", ".", "..", "a/b", "a\\b", "a b", "a\n", "ä", "a.b", "%2e", "../a", "a\0"]
)
def test_other_user_ids_are_refused(user_id: str) -> None:
    """Nothing that could leave the user's folder, nor the folder of what was paid for."""
    with pytest.raises(ValidationError) as refusal:
        make_request(user_id=user_id)
    assert [error["loc"] for error in refusal.value.errors()] == [("user_id",)]


@pytest.mark.parametrize(("field", "lowest"), [("num_palettes", 1), ("min_variations", 1)])
def test_numbers_have_their_bounds(field: str, lowest: int) -> None:
    """One to 24 palettes, one to 24 of which must succeed."""
    for number in (lowest, 24):
        values = {"num_palettes": 24} | {field: number}
        assert make_request(**values).model_dump()[field] == number
    for number in (lowest - 1, 25, -1):
        with pytest.raises(ValidationError, match=field):
            make_request(**({"num_palettes": 24} | {field: number}))


def test_no_more_can_succeed_than_are_made() -> None:
    """`min_variations` may equal `num_palettes` and not exceed it."""
    assert make_request(num_palettes=3, min_variations=3).min_variations == 3
    with pytest.raises(ValidationError, match=r"min_variations \(4\) exceeds num_palettes \(3\)"):
        make_request(num_palettes=3, min_variations=4)


def test_a_message_may_leave_out_what_has_a_default() -> None:
    """Four fields make a message."""
    request = GenerationRequest.model_validate_json(
        f'{{"task_id": "{TASK}", "user_id": "ada", "logo_description": "a fox", "theme_description": "autumn"}}'
    )
    assert request.task_type == "concept_generation"
    assert (request.num_palettes, request.min_variations, request.is_anonymous) == (7, 1, True)
    assert request.base_image is None


@pytest.mark.parametrize("missing", ["task_id", "user_id", "logo_description", "theme_description"])
def test_a_message_needs_its_four_fields(missing: str) -> None:
    """Each of them, and it is named when it is not there."""
    values = make_request().model_dump()
    del values[missing]
    with pytest.raises(ValidationError) as refusal:
        GenerationRequest.model_validate(values)
    assert [(error["loc"], error["type"]) for error in refusal.value.errors()] == [((missing,), "missing")]


def test_another_kind_of_task_is_refused() -> None:
    """A message for another workflow is not taken for this one's."""
    with pytest.raises(ValidationError, match="task_type"):
        make_request(task_type="concept_refinement")


@pytest.mark.parametrize("path", ["ada/logo.png", f"paid/{TASK}/image"])
def test_a_base_image_of_ones_own(path: str) -> None:
    """In the user's folder, or handed in for this very task."""
    request = make_request(task_id=TASK, base_image=IMAGE | {"path": path})
    assert request.base_image is not None
    assert request.base_image.path == path


@pytest.mark.parametrize(
    "path",
    [
        "eve/logo.png",
        "adam/logo.png",
        "ada",
        "ADA/logo.png",
        "x/ada/logo.png",
        "paid/image",
        f"paid/{TASK}x/image",
        f"paid/{uuid.UUID(int=1)}/image",
    ],
)
def test_a_base_image_of_others_is_refused(path: str) -> None:
    """A message comes from outside: another user's image, or what another task paid for, is not for the asking."""
    with pytest.raises(ValidationError, match="base_image does not belong to this user"):
        make_request(task_id=TASK, base_image=IMAGE | {"path": path})


def test_a_given_image_is_within_the_limit() -> None:
    """What a message names comes from outside, so the limit on what is accepted holds for it."""
    image = IMAGE | {"path": "ada/logo.png", "bytes": MAX_IMAGE_BYTES}
    assert make_request(base_image=image).base_image is not None
    with pytest.raises(ValidationError, match="base_image has more than 25 MB"):
        make_request(base_image=image | {"bytes": MAX_IMAGE_BYTES + 1})


def test_a_message_survives_its_way() -> None:
    """To JSON and back, and from one worker's models to another's, nothing changes."""
    request = make_request(logo_description="„Füchse“ 🐼\n熊猫", base_image=IMAGE, is_anonymous=False)
    assert GenerationRequest.model_validate_json(request.model_dump_json()) == request
    assert GenerationRequest.model_validate(request.model_dump(mode="json")) == request
    assert pickle.loads(pickle.dumps(request)) == request  # noqa: S301 -- just made


# Identity


def test_ids_never_change() -> None:
    """Literal values: rows, objects and workflows of earlier versions are found by them."""
    assert workflow_id(TASK) == "concept-0b9f1a52-6f3e-4c55-9d54-1f0a7f4f9c01"
    assert concept_id(TASK) == uuid.UUID("87209269-0438-5bf6-8009-4ff8588ec632")
    request = make_request(task_id=str(TASK).upper())
    assert (request.workflow_id, request.concept_id) == (workflow_id(TASK), concept_id(TASK))
    assert (render_queue("q"), paid_queue("q", "openai")) == ("q-render", "q-paid-openai")


def test_states_and_stages_keep_their_names() -> None:
    """They stand in rows, histories and other programs' code."""
    assert [status.value for status in TaskStatus] == ["pending", "processing", "completed", "failed", "cancelled"]
    assert [status.value for status in TaskStatus if status.ended] == ["completed", "failed", "cancelled"]
    assert [stage.value for stage in Stage] == ["claim", "image", "upload", "palettes", "variations", "store"]


# References to images


@pytest.mark.parametrize("path", ["a", "ada/c/base.png", "ada/c/variation-01-x.png", "a_/-/0..1", "x" * 500])
def test_a_reference_names_a_place_inside_the_store(path: str) -> None:
    """Segments of letters, digits, dots, dashes and underscores."""
    assert ImageRef.model_validate(IMAGE | {"path": path}).path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/../b",
        "a/..",
        "a/./b",
        ".",
        ".incoming/x",
        "a//b",
        "a/",
        "a\\..\\b",
        "a\0b",
        "a/b\n",
        "\na",
        "a b",
        "ä",
        "%2e%2e/x",
        "x" * 501,
    ],
)
def test_a_reference_that_leads_elsewhere_is_refused(path: str) -> None:
    """No traversal, no absolute path, no hidden name, nothing that needs decoding."""
    with pytest.raises(ValidationError) as refusal:
        ImageRef.model_validate(IMAGE | {"path": path})
    assert [error["loc"] for error in refusal.value.errors()] == [("path",)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sha256", "0" * 63),
        ("sha256", "A" * 64),
        ("sha256", "0" * 64 + "\n"),
        ("bytes", 0),
        ("width", 0),
        ("width", MAX_IMAGE_SIDE_PX + 1),
        ("height", MAX_IMAGE_SIDE_PX + 1),
        ("media_type", "text/html"),
        ("media_type", "image/png\r\nX-Header: x"),
    ],
)
def test_a_reference_describes_a_possible_image(field: str, value: object) -> None:
    """The limits that hold for every image hold for what is said about one."""
    with pytest.raises(ValidationError, match=field):
        ImageRef.model_validate(IMAGE | {field: value})


# What holds for every model


def test_the_models_are_found() -> None:
    """The walk below sees them: a concept, a request and an activity's input are among them."""
    names = {model.__name__ for model in all_models()}
    assert {"Concept", "GenerationRequest", "RenderRequest", "ConceptStatus", "ImageRef", "Palette"} <= names


@pytest.mark.parametrize("model", all_models(), ids=lambda model: str(model.__name__))
def test_every_model_is_frozen_and_open(model: type[BaseModel]) -> None:
    """A message is not changed on its way, and an old worker decodes what a newer one sent."""
    assert model.model_config.get("frozen") is True
    assert model.model_config.get("extra", "ignore") == "ignore"


def test_unknown_fields_are_ignored_at_every_depth() -> None:
    """A concept with fields of the future, in itself, its image and its variations, is the concept we know."""
    concept = make_concept(make_request())
    newer = concept.model_dump_json().replace('{"', '{"from_the_future": [1, {"x": null}], "')
    assert newer.count("from_the_future") > 3
    assert Concept.model_validate_json(newer) == concept


def test_an_error_message_has_its_limit() -> None:
    """1,000 characters and no more."""
    assert len(TaskError(stage=Stage.IMAGE, type="x", message="ä" * 1000).message) == 1000
    with pytest.raises(ValidationError):
        TaskError(stage=Stage.IMAGE, type="x", message="ä" * 1001)


# Errors


def all_errors() -> list[Exception]:
    """One of each kind that providers and stores raise."""
    kinds = [*vars(providers.errors).values(), *vars(stores.errors).values()]
    errors: list[Exception] = [
        kind("workflow-1" if kind is TaskHeld else "the service answered 503")
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, ProviderError | StoreError)
    ]
    return [*errors, ProviderThrottled("the service answered 429", retry_after_s=1.5)]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: Exception) -> None:
    """Kind, sentence and attributes are the same on the other side of a process boundary."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- just made
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
