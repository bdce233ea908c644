"""What nobody outside knows for certain about Azure: a switch for each, so that tests can run either way."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The world as it may be. The defaults are the likelier answers where there is public evidence."""

    #: The identical PUT of a job again: refused with 400 JobPropertyImmutable, or accepted with 200.
    identical_job_accepted: bool = False
    #: Whether a pipeline job needs the second token in `x-azureml-token`.
    second_token_required: bool = True
    #: The answer to a mail whose Operation-Id was accepted before: 202 or 409.
    repeated_mail_status: int = 202
    #: Whether a client's own Operation-Id can be looked up.
    mail_lookup: bool = True
    #: How long a repeated Operation-Id is recognised (Communication Services, "repeatable requests").
    mail_window: timedelta = timedelta(minutes=5)


#: Everything that is unknown turns out well.
KIND = World(identical_job_accepted=True, second_token_required=False)
#: Everything that is unknown turns out badly.
UNKIND = World(repeated_mail_status=409, mail_lookup=False)
