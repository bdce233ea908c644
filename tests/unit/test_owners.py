"""Who gets a mail: recipients by name, owners by what the event says; an address only ever from the file."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import handlers
from shared.actions import SendMail
from shared.events import NotOurs, parse
from shared.reactions import Matched
from tests.fakes.events import altered
from tests.fakes.service import rules

FAILED = "pipeline-failed"
RULES = rules("""
recipients: { ops: $OPS_EMAIL }
owners: { Team-Churn: [churn@example.com, mlops@example.com], anna: anna@example.com }
reactions:
  - name: mail-owner
    on: pipeline-failed
    mail: { to: { owner: "${{ event.run.tags.owner }}", else: ops }, priority: critical }
""")


def mail_of(tags: dict[str, Any]) -> SendMail:
    """Return the mail that follows from a failed pipeline with these tags."""
    family = handlers.HANDLERS[2]
    event = family.recognise(parse(altered(FAILED, runTags=tags)))
    assert not isinstance(event, NotOurs)
    (item,) = family.plan(event, RULES)
    assert isinstance(item, Matched)
    mail = item.actions["mail-owner"]
    assert isinstance(mail, SendMail)
    return mail


@pytest.mark.parametrize(
    ("tags", "to"),
    [
        ({"owner": "team-churn"}, ("churn@example.com", "mlops@example.com")),
        ({"owner": " TEAM-churn "}, ("churn@example.com", "mlops@example.com")),
        ({"owner": "anna"}, ("anna@example.com",)),
        ({"owner": "ben"}, ("ops@example.com",)),
        ({"owner": ""}, ("ops@example.com",)),
        ({"team": "anna"}, ("ops@example.com",)),
        ({"owner": "eve@example.org"}, ("ops@example.com",)),
        ({"owner": "ops"}, ("ops@example.com",)),
    ],
    ids=str,
)
def test_the_owner_gets_it(tags: dict[str, str], to: tuple[str, ...]) -> None:
    """Whoever `owners` has for the tag; without one, or for one that nobody listed, whom `else` names."""
    assert mail_of(tags).to == to
    assert mail_of(tags).priority == "critical"


@given(st.dictionaries(st.sampled_from(["owner", "to", "mail"]), st.text(max_size=40) | st.emails()))
def test_no_event_chooses_an_address(tags: dict[str, str]) -> None:
    """Whatever stands in the tags: the recipients are those of the file."""
    assert mail_of(tags).to in {("churn@example.com", "mlops@example.com"), ("anna@example.com",), ("ops@example.com",)}
