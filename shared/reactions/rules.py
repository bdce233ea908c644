"""What every rule of reactions.yaml may say, whatever its family."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from shared.reactions.addressees import MailRule
from shared.reactions.conditions import says
from shared.reactions.ends import ExpectRule, VerdictRule
from shared.reactions.guard_rules import GuardsRule

#: The ends are such that a JSON Schema can have them, and that a line end is none: to Python `$` is before one, too.
NAME = r"^[a-z][a-z0-9-]{0,39}$(?!\n)"
JOB_FILE = r"^(?!/)(?!.*\.\.)[^\\\u0000-\u001f]+\.ya?ml$(?!\n)"
Name = Annotated[str, msgspec.Meta(pattern=NAME)]


class RunRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`run:` the job file, and its inputs from literals and `${{ event.… }}`."""

    job: Annotated[
        str,
        msgspec.Meta(pattern=JOB_FILE),
        says("a job file, by its path from the project's folder: the YAML that `az ml job create -f` takes"),
    ]
    inputs: Annotated[
        dict[str, str | bool | int | float],
        says("values for inputs that the job file declares, with the event's values as `${{ event.… }}`"),
    ] = {}
    expect: Annotated[ExpectRule | None, says("when the job should be over")] = None
    verdict: Annotated[VerdictRule | None, says("what its job has measured, and what of that is good enough")] = None

    @property
    def texts(self) -> Mapping[str, str]:
        """The inputs as text: what azure-ai-ml makes of a number or a boolean in a job file."""
        return {name: str(value) for name, value in self.inputs.items()}


class RuleBase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The keys every reaction may have; `when` comes from the family."""

    name: Annotated[
        Name,
        says(
            "its own name in the file: a letter, then letters, digits and hyphens, all lower case, at most 40 "
            "characters. It begins the names of the jobs it starts"
        ),
    ]
    on: Annotated[str, says("the family of events")]
    run: Annotated[RunRule | None, says("the job to start")] = None
    mail: Annotated[MailRule | None, says("the mail to send")] = None
    guards: Annotated[
        GuardsRule | Literal["none"] | None,
        says("reasons not to run; what is left out keeps its default, `none` turns all off"),
    ] = None
