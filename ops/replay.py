"""Putting dead letters back: through the queue and the ledger, so that nothing is done twice by it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ops.connection import State
from ops.letter_box import REPLAYED, Content, Entry
from ops.letters import LARGEST, Letter, foreign_letter, read_letter
from ops.messages import Refused, messages_of, repeated
from ops.problems import DONE, NO_ACCESS, NOT_ALL, OpsError, translated
from shared.errors import MalformedError, ReactorError
from shared.gateways.large_events import stow
from shared.messages import Message

type Status = Literal["sent", "would-send", "replayed-before", "refused", "failed", "not-tried"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of one letter. *code* is the exit code it stands for."""

    name: str
    status: Status
    letter: Letter | None = None
    messages: tuple[Message, ...] = ()
    moved_to: str = ""
    problem: str = ""
    remedy: str = ""
    code: int = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """How letters are put back: *again* repeats their events on purpose, *keep* leaves the letters where they are."""

    state: State
    again: bool = False
    keep: bool = False
    dry_run: bool = False

    def each(self, entries: Sequence[Entry]) -> Iterator[Report]:
        """Put letters back one by one. After a refusal that the next one would meet as well, no more is tried."""
        denied = False
        for entry in entries:
            if denied:
                yield Report(name=entry.name, status="not-tried", code=NO_ACCESS)
                continue
            report = self.one(entry)
            denied = report.code == NO_ACCESS
            yield report

    def one(self, entry: Entry) -> Report:
        """Put one letter back."""
        if entry.replayed and not self.again:
            return Report(name=entry.name, status="replayed-before")
        try:
            content = self.state.box.read(entry.name) if entry.size <= LARGEST else None
        except ReactorError as error:
            return _failed(entry.name, translated(error))
        if content is None and entry.size <= LARGEST:
            return _failed(entry.name, OpsError("it is gone: somebody moved or deleted it", code=NOT_ALL))
        letter = read_letter(entry, content.data) if content else foreign_letter(entry)
        return self._put_back(letter, content)

    def _put_back(self, letter: Letter, content: Content | None) -> Report:
        try:
            messages = messages_of(letter, self.state.large_events)
            if isinstance(messages, Refused):
                return _refused(letter, messages)
            if self.again:
                messages = repeated(messages, self.state.large_events, self.state.generations)
            if self.dry_run or content is None:
                return Report(name=letter.name, status="would-send", letter=letter, messages=messages)
            for message in messages:
                self.state.queue.send(stow(message, self.state.large_events).encode())
        except MalformedError as error:
            return _refused(letter, Refused(error.reason, "leave --again out, or look at it with `show`"))
        except ReactorError as error:
            return _failed(letter.name, translated(error), letter)
        return self._archive(Report(name=letter.name, status="sent", letter=letter, messages=messages), content)

    def _archive(self, report: Report, content: Content) -> Report:
        """Move the letter away, so that `--all` does not put it back once more."""
        if self.keep or report.name.startswith(REPLAYED):
            return report
        try:
            return replace(report, moved_to=self.state.box.archive(report.name, content))
        except ReactorError as error:
            told = translated(error)
            problem = f"sent, but the letter could not be moved: {told.problem}"
            return replace(report, problem=problem, remedy=told.remedy, code=told.code)


def _refused(letter: Letter, refused: Refused) -> Report:
    return Report(
        name=letter.name,
        status="refused",
        letter=letter,
        problem=refused.problem,
        remedy=refused.remedy,
        code=NOT_ALL,
    )


def _failed(name: str, error: OpsError, letter: Letter | None = None) -> Report:
    return Report(
        name=name, status="failed", letter=letter, problem=error.problem, remedy=error.remedy, code=error.code
    )
