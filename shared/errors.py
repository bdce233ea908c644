"""The one tree of errors: the docstring is the message, facts are fields.

The Functions worker logs the text of an exception raw, so no payload and no provider text may be in it.
Facts are ids, names of our own files and settings, status codes.
"""

import inspect


class ReactorError(Exception):
    """The reaction could not be carried out."""

    def __init__(self, **facts: str | int) -> None:
        super().__init__(inspect.getdoc(type(self)))
        self.facts = facts


class MalformedError(ReactorError):
    """The message is not a workspace event; it is kept as a dead letter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)  # in words of our own, never in the words of the payload
        self.reason = reason


class ConfigurationError(ReactorError):
    """The deployment is not usable as it is configured; the event waits until it is mended."""

    def __init__(self, *problems: str) -> None:
        super().__init__()
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join((inspect.getdoc(type(self)) or "", *(f"- {problem}" for problem in self.problems)))


class StorageError(ReactorError):
    """State storage did not answer as it should; the host brings the message back."""


class RowTooLargeError(ReactorError):
    """A row would outgrow what a table property holds (32 Ki characters); it is refused, never cut."""


class DeadlineError(ReactorError):
    """The run's time is used up; nothing more is sent."""


class ContentionError(ReactorError):
    """Other writers changed the row at every try; the event is tried again a little later."""
