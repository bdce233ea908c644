"""`make demo`: the story on the twin, as a timeline, and a count of what had to follow and what did."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from local.furniture import workspace_id
from local.story import PACE, PARTS, Act
from local.timeline import Timeline
from local.twin import ROOT, Twin, trouble

OUTPUT = ROOT / "demo-output"
#: An act, the job requests by reaction and the mail requests that followed, and the subjects of all mails so far.
type Found = tuple[Act, Counter[str], int, list[str]]


def run(console: Console, output: Path = OUTPUT) -> int:
    """Play the story; 0 when every expected effect happened, and no other."""
    console.print(
        "[bold]Workspace Reactor[/bold] offline: the real app and SDKs, and an Azure that behaves. Starting …"
    )
    timeline = Timeline(console, home=workspace_id())
    found: list[Found] = []
    saved: list[Path] = []
    problems: list[str] = []
    for acts, settings in PARTS:
        with Twin(on_fact=timeline.fact, settings=settings) as twin:
            played = _play(twin, acts, timeline)
            saved += _save_mails(twin, output, before=len(saved) // 2)
            problems += [problem for each in played for problem in _differences(*each)] + trouble(twin)
            problems += [f"dead letter {name}" for name in twin.dead_letters()]
            found += played
    _summary(console, found)
    for path in saved:
        console.print(f"the mail: {path}", soft_wrap=True, highlight=False)
    for problem in problems:
        console.print(f"[bold red]not as it should be:[/bold red] {problem}", soft_wrap=True, highlight=False)
    return 1 if problems else 0


def _play(twin: Twin, acts: Iterable[Act], timeline: Timeline) -> list[Found]:
    """Play the acts, and return what followed from each."""
    found: list[Found] = []
    twin.workspace.life.pace = PACE
    twin.azure.event_grid.subscribe("timeline", timeline.event)
    for act in acts:
        timeline.title(act.title, brief=act.brief)
        jobs, mails = len(twin.azure.journal.jobs_put()), len(twin.azure.journal.mails_posted())
        sent = len(twin.azure.mailbox.mails)
        act.play(twin)
        act.over(twin)
        for mail in twin.azure.mailbox.mails[sent:]:
            timeline.line("effect", f"in the mailbox of {', '.join(mail.to)}: {mail.subject}")
        timeline.end()
        puts = Counter(_reaction(entry.json()) for entry in twin.azure.journal.jobs_put()[jobs:])
        posts = twin.azure.journal.mails_posted()[mails:]
        found.append((act, puts, len(posts), [mail.subject for mail in twin.azure.mailbox.mails]))
    return found


def _reaction(body: object) -> str:
    """Return which reaction a job was started by: it says so itself."""
    properties = body["properties"]["properties"] if isinstance(body, dict) else {}
    return str(properties.get("reactor_reaction"))


def _differences(act: Act, puts: Counter[str], posts: int, subjects: list[str]) -> list[str]:
    """Return what is missing or extra."""
    found = []
    if puts != Counter(act.jobs):
        found.append(f"{act.title}: expected job requests {dict(act.jobs)}, found {dict(puts)}")
    if posts != act.mails:
        found.append(f"{act.title}: expected {act.mails} mail requests, found {posts}")
    if act.mail_names and not any(act.mail_names in subject for subject in subjects):
        found.append(f"{act.title}: no mail names {act.mail_names}")
    return found


def _summary(console: Console, found: list[Found]) -> None:
    title = "\nJobs and mails that had to follow, and the requests in the stand-in's journal"
    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in ("act", "expected", "found", ""):
        table.add_column(name)
    for act, puts, posts, subjects in found:
        good = not _differences(act, puts, posts, subjects)
        result = "[green]as expected[/green]" if good else "[red]differs[/red]"
        table.add_row(act.title.partition(" ")[0], _counts(act.jobs, act.mails), _counts(puts, posts), result)
    console.print(table)


def _counts(jobs: Mapping[str, int], mails: int) -> str:
    told = [f"{count} {name}" for name, count in sorted(jobs.items())]
    return ", ".join(told + [f"{mails} mail"] * bool(mails)) or "nothing"


def _save_mails(twin: Twin, output: Path, *, before: int) -> list[Path]:
    output.mkdir(exist_ok=True)
    saved = []
    for number, mail in enumerate(twin.azure.mailbox.mails, start=before + 1):
        for suffix, content in ((".html", mail.html), (".txt", mail.text)):
            path = output / f"mail-{number}{suffix}"
            path.write_text(content, encoding="utf-8")
            saved.append(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
    return saved
