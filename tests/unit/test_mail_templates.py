"""A team's own templates: which mails they change, and what is said of a broken one, with file and line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from handlers import VOCABULARIES
from local.mail_samples import DRIFT, FAILED, WORKSPACE
from local.mails import SHOWN
from ops.__main__ import app
from shared.bootstrap import Service
from shared.errors import ConfigurationError
from shared.mail import render
from shared.mail.kinds import KINDS
from shared.mail.overrides import BARE, checked
from shared.mail.templates import OURS
from shared.mail.view import view
from tests.fakes.project import ops as command_line
from tests.fakes.project import project
from tests.markdown import DOCS, code, section, table

SIMPLE = """<mjml>
  <mj-head><mj-include path="_look.mjml" /></mj-head>
  <mj-body>
    <mj-section><mj-column><mj-text>Ours: {{ headline }}</mj-text></mj-column></mj-section>
  </mj-body>
</mjml>
"""


def written(folder: Path, name: str, text: str) -> Path:
    """Write a template of the team's."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def problems(folder: Path) -> tuple[str, ...]:
    """What is wrong with the team's templates."""
    with pytest.raises(ConfigurationError) as told:
        checked(folder)
    return told.value.problems


def test_without_the_folder_nothing_changes(tmp_path: Path) -> None:
    """Nor is it needed."""
    assert checked(tmp_path / "mails") is None
    assert render(FAILED, folder=None) == render(FAILED)


def test_one_template_for_all_kinds(tmp_path: Path) -> None:
    """`mail.html` is that of every kind without its own; the text stays ours, and so does the subject."""
    folder = checked(written(tmp_path / "mails", "mail.html", "<p>{{ headline }}</p>"))
    for notice in (FAILED, DRIFT):
        ours, theirs = render(notice), render(notice, folder=folder)
        assert theirs.html == f"<p>{notice.headline}</p>\n"
        assert (theirs.text, theirs.subject) == (ours.text, ours.subject)


def test_one_template_for_a_kind(tmp_path: Path) -> None:
    """`data-drift.txt` is the text of that kind, before `mail.txt`."""
    written(tmp_path / "mails", "mail.txt", "general")
    folder = checked(written(tmp_path / "mails", "data-drift.txt", "of drift"))
    assert [render(one, folder=folder).text for one in (FAILED, DRIFT)] == ["general\n", "of drift\n"]


def test_words_of_an_event_are_escaped_in_the_teams_html_too(tmp_path: Path) -> None:
    """Whatever the template says."""
    folder = checked(written(tmp_path / "mails", "mail.html", "<p>{{ lead }}{{ headline }}</p>"))
    html = render(DRIFT.__replace__(headline="<script>alert(1)</script>"), folder=folder).html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("mail.html", "<p>\n{% if headline %}", "mails/mail.html:2: Unexpected end of template."),
        ("mail.txt", "\n\n{{ headlin }}", "mails/mail.txt:3: unknown name 'headlin'; did you mean 'headline'?"),
        ("mail.html", "\n{{ colour.warm }}", "mails/mail.html:2: 'shared.mail.kinds.Colour object' has no attribute"),
        ("mail.html", "a\n{{ headline | safe }}", "mails/mail.html:2: No filter named 'safe'."),
        ("mail.html", "{{ headline | urlize }}", "mails/mail.html:1: No filter named 'urlize'."),
        (
            "mail.html",
            "\n{% autoescape false %}{{ lead }}{% endautoescape %}",
            "mails/mail.html:2: `autoescape` cannot be switched",
        ),
        (
            "data-drif.html",
            "",
            "mails/data-drif.html: no kind of mail is called 'data-drif'; did you mean 'data-drift'?",
        ),
        (
            "mail.html",
            "{% for n in range(2000) %}{{ headline }}{% endfor %}",
            "mails/mail.html: the largest mail has",
        ),
    ],
)
def test_a_broken_template_is_told_by_file_and_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    """As a configuration error, before any mail: events wait for the next deployment."""
    (problem,) = problems(written(tmp_path / "mails", name, text))
    assert problem.startswith(told)


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    """With the remedy."""
    folder = written(tmp_path / "mails", "mail.html", "")
    (folder / "mail.html").write_bytes(b"\xff\xfe")
    assert problems(folder) == ("mails/mail.html: is not UTF-8; save the file as UTF-8",)


def test_every_mistake_at_once(tmp_path: Path) -> None:
    """In the order of the files."""
    written(tmp_path / "mails", "mail.txt", "{{ b }}")
    assert len(problems(written(tmp_path / "mails", "mail.html", "{{ a }}\n{{ c }}"))) == 3


def test_our_own_are_as_a_teams_must_be() -> None:
    """Known names, no filter that lets an event in, not too large."""
    assert checked(OURS) == OURS


def ops(*words: str) -> tuple[int, str]:
    """Run a command; exit code and what it says."""
    result = CliRunner().invoke(app, ["mails", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_ours_are_compiled() -> None:
    """The HTML in the repository is what the MJML beside it says."""
    assert ops("--check") == (0, "")


def test_compile_the_teams(tmp_path: Path) -> None:
    """Stale, written, fresh; what it includes is found beside it or among ours."""
    folder = written(tmp_path / "mails", "mail.mjml", SIMPLE)
    assert ops(str(folder), "--check") == (
        1,
        "mail.html is stale or missing: run `python -m ops mails` and commit it\n",
    )
    assert ops(str(folder)) == (0, "wrote mail.html\n")
    assert ops(str(folder), "--check") == (0, "")
    html = render(FAILED, folder=checked(folder)).html
    assert "Ours: Pipeline failed: credit-training" in html
    assert "prefers-color-scheme: dark" in html
    written(folder, "_look.mjml", "<mj-attributes />")
    assert ops(str(folder)) == (0, "wrote mail.html\n")
    assert "prefers-color-scheme" not in (folder / "mail.html").read_text(encoding="utf-8")


def test_broken_mjml_is_told(tmp_path: Path) -> None:
    """By the file; what is there stays."""
    folder = written(tmp_path / "mails", "mail.mjml", "<mjml><mj-body></mjml>")
    code, said = ops(str(folder))
    assert code == 1
    assert said.startswith("mail.mjml: ")
    assert not (folder / "mail.html").exists()


def test_validate_tells_of_them(tmp_path: Path) -> None:
    """Beside what is wrong with reactions and job files."""
    written(project(tmp_path) / "mails", "mail.txt", "{{ b }}")
    said = command_line("validate", "--json", "--folder", str(tmp_path))
    assert (said.code, said.document["problems"][0].partition(":")[0]) == (1, "mails/mail.txt")


def test_the_app_looks_at_them_before_the_first_mail(tmp_path: Path) -> None:
    """And says so as of any other mistake in the deployment; a mended one is used."""
    settings = {
        "WORKSPACES": WORKSPACE,
        "OPS_EMAIL": "ops@contoso.com",
        "MAIL_ENDPOINT": "https://acs.communication.azure.com",
        "MAIL_SENDER": "reactor@contoso.com",
        "INSTALLATION": "prod",
        "StateStorage": "UseDevelopmentStorage=true",
    }
    written(project(tmp_path) / "mails", "mail.txt", "{{ b }}")
    service = Service(environ=settings, folder=tmp_path, vocabularies=VOCABULARIES)
    with pytest.raises(ConfigurationError, match=r"mails/mail\.txt:1"):
        service.mail  # noqa: B018 - it is made when it is asked for
    (tmp_path / "mails" / "mail.txt").unlink()
    assert service.mail


def test_the_page_names_what_templates_may_use() -> None:
    """All of it, and nothing else; and every kind."""
    page = (DOCS / "mails.md").read_text(encoding="utf-8")
    names = [name for row in table(section(page, "What templates may use"), "name") for name in code(row[0])]
    assert sorted(names) == sorted(view(BARE, KINDS["test"]))
    assert [code(row[0])[0] for row in table(section(page, "What a mail looks like"), "`kind`")] == list(KINDS)


def test_the_page_shows_the_pictures_there_are() -> None:
    """None is missing, none is left over."""
    page = (DOCS / "mails.md").read_text(encoding="utf-8")
    wanted = {f"{name}-{width}-{scheme}.webp" for name, ways in SHOWN.items() for width, scheme in ways}
    assert {file.name for file in (DOCS / "mails").iterdir()} == wanted
    assert {name for name in wanted if f"mails/{name}" in page} >= {name for name in wanted if "-700-light" in name}
    assert all(file.stat().st_size < 61_440 for file in (DOCS / "mails").iterdir())
