"""What a rule means where it says nothing: defaults protect."""

import msgspec

from shared.limits import Guards
from shared.reactions import Vocabulary
from shared.reactions.conditions import Place
from shared.reactions.guard_rules import GuardsRule, guards_of
from shared.reactions.rules import RuleBase


def when_of(rule: RuleBase, vocabulary: Vocabulary) -> Place:
    """Return the conditions, with those that a run has by default."""
    when: Place = getattr(rule, "when", None) or vocabulary.when()
    missing = {name: one for name, one in vocabulary.runs_only.items() if getattr(when, name) is None}
    return msgspec.structs.replace(when, **missing) if rule.run else when


def limits_of(rule: RuleBase, vocabulary: Vocabulary) -> Guards:
    """Defaults protect: what the rule does not name keeps them; ``none`` turns all off. A mail alone has none."""
    if rule.guards == "none" or rule.run is None:
        return Guards()
    named = rule.guards if isinstance(rule.guards, GuardsRule) else GuardsRule()
    return guards_of(named, cooldown=vocabulary.cooldown)
