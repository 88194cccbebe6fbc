from __future__ import annotations

import pickle

import pytest

from providers.errors import ProviderThrottled, ProviderUnavailable
from providers.refusals import printable_reason


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Your image\nis too large\t!", "Your image is too large !"),
        ("Incorrect key provided: sk-abcd***wxyz.", "Incorrect key provided: (a key)"),
        ("See https://example.com/x?token=1 for more", "See (a link) for more"),
        ("The prompt 'A fox for   a coffee shop' is bad", ""),
        ("not a fox for a coffee bar", ""),
        ("a fox", "a fox"),
        ("x" * 400, "x" * 299 + "…"),
        ("bell\x07\x1b[31m", "bell [31m"),
    ],
)
def test_a_reason_is_safe_to_show(message: str, shown: str) -> None:
    """One line of at most 300 characters without keys and links; what repeats a prompt is not shown at all."""
    assert printable_reason(message, ("a fox for a coffee shop",)) == shown


def test_a_short_prompt_is_private_too() -> None:
    """Even five letters of a description are somebody's words."""
    assert printable_reason("cannot draw Kitty today", ("kitty",)) == ""


@pytest.mark.parametrize("error", [ProviderThrottled("429", 3.5), ProviderUnavailable("503", 7.0)])
def test_delays_survive_pickling(error: ProviderThrottled | ProviderUnavailable) -> None:
    """Type, sentence and delay."""
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own bytes
    assert (type(copy), str(copy), copy.retry_after_s) == (type(error), str(error), error.retry_after_s)
