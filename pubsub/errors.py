"""Errors of messages, of the tokens of push requests, and of Pub/Sub.

MessageError
├── NotAnEnvelope      the body is nothing that Pub/Sub sends
│   └── UnsupportedBody    in a format or an encoding that is not read here
├── InvalidMessage         an envelope whose payload can never become a concept
├── RetryLater             Temporal, the store or the dead-letter topic cannot be used; the message must come again
├── TokenError
│   ├── TokenRefused       none, not from Google, forged or expired
│   ├── TokenForbidden     genuine, but for another audience or of another account
│   └── KeysUnavailable    it cannot be judged right now
└── PubSubError
    ├── PubSubUnreachable  no answer from Pub/Sub
    └── PubSubRefused      Pub/Sub will not do this, now or later
        └── NoMessage      what was to be published is no message that Pub/Sub takes
"""

from __future__ import annotations

import uuid


class MessageError(Exception):
    """Base of this package's errors. No message quotes what a person wrote."""


class NotAnEnvelope(MessageError):
    """The body is nothing that Pub/Sub sends."""


class UnsupportedBody(NotAnEnvelope):
    """The body is in a format or an encoding that is not read here."""


class InvalidMessage(MessageError):
    """The payload can never become a concept; what of it could be read comes along."""

    def __init__(self, reason: str, task_id: uuid.UUID | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.task_id = task_id


class RetryLater(MessageError):
    """Something that is needed does not answer: the message must not be acknowledged."""


class TokenError(MessageError):
    """A push request that is not known to come from our subscription."""


class TokenRefused(TokenError):
    """No token, or one that Google did not sign or that has expired."""


class TokenForbidden(TokenError):
    """A genuine token, but for another audience or of another account."""


class KeysUnavailable(TokenError):
    """Google's keys cannot be fetched: nothing can be said about a token."""


class PubSubError(MessageError):
    """Pub/Sub did not do what it was asked."""


class PubSubUnreachable(PubSubError):
    """No answer from Pub/Sub; the same call may succeed later."""


class PubSubRefused(PubSubError):
    """Pub/Sub will not do this: no such topic or subscription, no permission, no credentials."""


class NoMessage(PubSubRefused):
    """What was to be published is too large, or otherwise no message that Pub/Sub takes."""
