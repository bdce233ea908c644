"""`mail:` of a rule: to whom, how urgently. An address is only ever one that reactions.yaml or a setting has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from shared.actions import Priority
from shared.reactions.conditions import says
from shared.reactions.values import Values, absent_in, replaced

#: The ends are such that a JSON Schema can have them, and that a line end is none: to Python `$` is before one, too.
HTTPS = r"^https://[^\s]+$(?!\n)"


class OwnerRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`to: { owner: …, else: … }`: who owns it, by what the event says."""

    owner: Annotated[
        str, says('what the event says of its owner, such as `"${{ event.run.tags.owner }}"`; looked up under `owners`')
    ]
    else_: Annotated[
        str, says("a name under `recipients`, for what has no owner or one that is not under `owners`")
    ] = msgspec.field(name="else")


class MailRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`mail:` a name under `recipients`, or the owner; how urgent it is; and a link to what to do."""

    to: Annotated[str | OwnerRule, says("a name under `recipients`, or `{ owner: …, else: … }`")]
    priority: Annotated[
        Priority,
        says(
            "`critical`: at once, before all others; `normal` (left out: this): at once, in a summary while mails are "
            "short; `digest`: once a day, in one mail with the others"
        ),
    ] = "normal"
    runbook: Annotated[
        str, msgspec.Meta(pattern=HTTPS), says("a link that begins with `https://`; the mail has a button for it")
    ] = ""
    details: Annotated[
        Literal["none"] | None,
        says("`none`: the mail tells no more than the event; left out, it says what run history has about the failure"),
    ] = None
    each: Annotated[
        bool,
        says(
            "`true`: a mail for every failure; left out: one for each incident, with reminders, and one when it is "
            "over. Only for `pipeline-failed`, and for a mail without a `run`"
        ),
    ] = False

    @property
    def name(self) -> str:
        """The name under `recipients`: of all mails, or of those that no owner gets."""
        return self.to if isinstance(self.to, str) else self.to.else_


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """What to look up in an event (*text*), and the *lists* of addresses by owner, casefolded."""

    text: str = ""
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def named(self, values: Values) -> str:
        """Return the owner that the event names, by its key in *lists*; "" where it names none that is known."""
        if not self.text or absent_in(self.text, values):
            return ""
        named = replaced(self.text, values).strip().casefold()
        return named if named in self.lists else ""


def owners_of(mail: MailRule | None, lists: Mapping[str, tuple[str, ...]]) -> Owners:
    """Return what a rule asks of an event's owner."""
    return Owners(text=mail.to.owner, lists=lists) if mail and isinstance(mail.to, OwnerRule) else Owners()
