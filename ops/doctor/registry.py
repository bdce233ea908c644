"""Every check, in the order in which they are told: what has to be there first comes first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ops.doctor import app, events, mail, roles, settings, storage, traffic
from ops.doctor.finding import CannotLookError, Finding
from ops.doctor.look import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that is expected; *look* yields a finding for each place where it was looked at."""

    name: str
    group: str
    look: Callable[[Look], Iterator[Finding]]


def _group(group: str, **checks: Callable[[Look], Iterator[Finding]]) -> tuple[Check, ...]:
    return tuple(Check(name=name.replace("_", "-"), group=group, look=look) for name, look in checks.items())


CHECKS: tuple[Check, ...] = (
    *_group(
        "function app",
        app_running=app.running,
        app_identity=app.identity,
        runtime=app.runtime,
        functions=app.functions,
    ),
    *_group(
        "settings",
        settings=settings.usable,
        host_settings=settings.for_the_host,
        keys_in_settings=settings.without_keys,
        settings_file=settings.as_expected,
        dry_run=settings.acting,
        reactions=settings.rules,
        job_files=settings.compiled,
    ),
    *_group(
        "storage",
        storage_account=storage.account,
        storage_of_host=storage.distinct,
        storage_network=storage.reachable,
        queues=storage.queues,
        table=storage.table,
        containers=storage.containers,
    ),
    *_group(
        "roles",
        role_queues=roles.queues,
        role_table=roles.table,
        role_containers=roles.containers,
        role_host=roles.host,
        role_workspaces=roles.workspaces,
        role_assets=roles.referred,
        role_tags=roles.tags,
        role_mail=roles.mail,
        role_outcomes=roles.outcomes,
        role_topics=roles.topics,
        role_bounds=roles.bounded,
    ),
    *_group(
        "events",
        workspaces=events.workspaces,
        topics=events.topics,
        subscriptions=events.subscriptions,
        subscriptions_ready=events.ready,
        event_types=events.event_types,
        filters=events.filters,
        dead_lettering=events.dead_lettering,
        retries=events.retries,
    ),
    *_group("mail", mail_resource=mail.keys, mail_domain=mail.domain, mail_sender=mail.sender),
    *_group(
        "what goes on",
        queue_length=traffic.waiting,
        poison=traffic.poison,
        dead_letters=traffic.dead_letters,
        pauses=traffic.pauses,
        last_event=traffic.last_event,
        deliveries=traffic.deliveries,
        clock=traffic.clock,
    ),
)


NOTHING = Finding(status="unknown", told="there is nothing to look at yet", remedy="see the checks that failed")


def examine(look: Look) -> Iterator[tuple[Check, Finding]]:
    """Make every check; what cannot be looked at is a finding too, and does not stop the others."""
    for check in CHECKS:
        try:
            findings = list(check.look(look))
            yield from ((check, finding) for finding in findings or [NOTHING])
        except CannotLookError as error:
            yield check, Finding(status="unknown", told=error.problem, remedy=error.remedy)
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            # One answer of a form that nobody knew is no reason to tell nothing of all the others.
            told = f"Azure's answer has a form that is not known here ({type(error).__name__})"
            yield check, Finding(status="unknown", told=told, remedy="tell the maintainers, with --json")
