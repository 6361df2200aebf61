"""The door to Jinja2: what a template cannot do, and what its author is told when it is wrong."""

import shutil
from pathlib import Path

import pytest
from markupsafe import Markup

from tests.rendering.cases import CHECKOUT
from trusthub.domain.message import FACTS
from trusthub.errors import PlaybookError
from trusthub.rendering.messages import LIMIT
from trusthub.rendering.templates import Templates

SAMPLES = {name: fact.sample for name, fact in FACTS.items()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "messages").mkdir()
    (tmp_path / "locales" / "en").mkdir(parents=True)
    shutil.copy(CHECKOUT / "templates/locales/en/words.yaml", tmp_path / "locales/en")
    return tmp_path


def write(root: Path, body: str, *, subject: str = "{{ component }}: news", slack: str | None = None) -> Templates:
    folder = root / "messages" / "news"
    folder.mkdir(exist_ok=True)
    (folder / "subject.txt").write_text(subject, encoding="utf-8")
    (folder / "body.md").write_text(body, encoding="utf-8")
    if slack is not None:
        (folder / "slack.md").write_text(slack, encoding="utf-8")
    return Templates(root)


def problem(templates: Templates) -> PlaybookError:
    with pytest.raises(PlaybookError) as caught:
        templates.check()
    return caught.value


def test_a_message_is_rendered_from_its_files(root: Path) -> None:
    templates = write(root, "Hello\n\n\n\n{{ page }}", slack="{{ component }}")
    rendered = templates.render("news", SAMPLES, public=True)
    assert (rendered.subject, rendered.body, rendered.slack) == ("Checkout: news", "Hello\n\nAcme", "Checkout")
    assert templates.messages() == ("news",)
    templates.check()


def test_a_folder_without_messages_has_none(root: Path) -> None:
    assert Templates(root).messages() == ()


def test_a_line_is_plain_text(root: Path) -> None:
    (root / "messages" / "_name.txt").write_text("{{ component }}: {{ to_version }}\n", encoding="utf-8")
    assert Templates(root).line("_name.txt", component="A_b", to_version="2.8.0") == "A_b: 2.8.0"


def test_what_may_be_unknown_may_be_left_out(root: Path) -> None:
    templates = write(root, "{% if failed is none %}unknown{% endif %}")
    assert templates.render("news", {"component": "Checkout"}, public=True).body == "unknown"


def test_what_must_be_known_may_not(root: Path) -> None:
    templates = write(root, "\n{{ page }}")
    with pytest.raises(PlaybookError, match=r"news/body\.md:2: There is no fact 'page'|page") as caught:
        templates.render("news", {"component": "Checkout"}, public=True)
    assert caught.value.line == 2


def test_names_that_are_no_facts_are_ignored(root: Path) -> None:
    templates = write(root, "{{ secret }}")
    with pytest.raises(PlaybookError, match="There is no fact 'secret'"):
        templates.render("news", {**SAMPLES, "secret": "x"}, public=False)


# ------------------------------------------------------------------------------------------ what it cannot do


def test_an_internal_fact_is_not_there_for_customers(root: Path) -> None:
    templates = write(root, "one\n{{ reason }}")
    with pytest.raises(PlaybookError, match=r"body\.md:2: reason is an internal fact") as caught:
        templates.render("news", SAMPLES, public=True)
    assert (caught.value.file, caught.value.line) == (str(root / "messages" / "news" / "body.md"), 2)
    assert templates.render("news", SAMPLES, public=False).body == "one\nmetric success-rate: 0.71 &lt; 0.99"


@pytest.mark.parametrize(
    "attack",
    [
        "{{ component.__class__ }}",
        "{{ component.__class__.__mro__ }}",
        "{{ note.format.__globals__ }}",
        "{{ links[0].__class__ }}",
        "{{ component|attr('__class__') }}",
        "{{ ''['__class__'] }}",
        "{{ component.upper() }}",
        "{{ component.format(1) }}",
        "{{ self }}",
        "{{ self._TemplateReference__context }}",
        "{{ cycler }}",
        "{{ lipsum }}",
        "{{ lipsum.__globals__ }}",
        "{{ range(10**9)|list }}",
        "{{ 'a' * 10**9 }}",
        "{{ 10**9**9 }}",
        "{{ [1, 2] }}",
        "{{ {'a': 1} }}",
        "{{ namespace(a=1) }}",
        "{{ 'a' ~ 'b' }}",
        "{{ '%s' % component }}",
        "{{ customer_words|markdown }}",
        "{% set note = customer_words %}{{ (customer_name or note)|markdown }}",
        "{{ note|safe }}",
        "{{ note|tojson }}",
        "{{ note|format(1) }}",
        "{{ note|replace('a', 'b') }}",
        "{{ note is defined }}",
        "{% macro m() %}x{% endmacro %}",
        "{% call x() %}{% endcall %}",
        "{% set x %}y{% endset %}",
        "{% filter words %}y{% endfilter %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% do links.append(1) %}",
        "{% autoescape false %}x{% endautoescape %}",
        "{% include component %}",
        "{% include '../../README.md' %}",
        "{% include '/etc/passwd' %}",
        "{% include 'nowhere.txt' %}",
    ],
)
def test_a_template_cannot(root: Path, attack: str) -> None:
    templates = write(root, f"one\n{attack}")
    with pytest.raises(PlaybookError) as caught:
        templates.render("news", SAMPLES, public=False)
    assert caught.value.file.endswith("body.md")
    assert problem(templates).file.endswith("body.md")


def test_an_attribute_of_a_fact_is_only_what_the_fact_has(root: Path) -> None:
    templates = write(root, "{% for each in links %}{{ each.label }} {{ each.url | link('here') }}{% endfor %}")
    rows = {**SAMPLES, "links": [{"label": "Argo", "url": "https://argo.example"}]}
    assert templates.render("news", rows, public=False).body == "Argo [here](<https://argo.example>)"
    templates.check()


def test_a_message_has_a_longest_length(root: Path) -> None:
    loop = "{% for a in links %}" * 5 + "x" * 20 + "{% endfor %}" * 5
    templates = write(root, loop)
    many = {**SAMPLES, "links": [{"label": "x", "url": "y"}] * 100}
    with pytest.raises(PlaybookError, match=f"longer than {LIMIT:,} characters"):
        templates.render("news", many, public=False)


def test_names_cannot_leave_the_folder(root: Path) -> None:
    (root / "secret").mkdir()
    (root / "secret" / "subject.txt").write_text("x", encoding="utf-8")
    with pytest.raises(PlaybookError, match="There is no template"):
        Templates(root).render("../secret", SAMPLES, public=True)
    with pytest.raises(PlaybookError, match="There is no template"):
        Templates(root).page("../../etc/passwd")


def test_a_customers_words_stay_words_everywhere(root: Path) -> None:
    templates = write(root, "{{ customer_words }}", subject="{{ component }}: {{ customer_name }}")
    facts = {**SAMPLES, "customer_words": "[x](https://evil.example)", "customer_name": "Eve\r\nBcc: all@acme.example"}
    rendered = templates.render("news", facts, public=True)
    assert rendered.body == r"\[x\]\(https://evil.example\)"
    assert rendered.subject == "Checkout: Eve Bcc: all@acme.example"


# ------------------------------------------------------------------------------------------ what its author is told


@pytest.mark.parametrize(
    ("body", "line", "text"),
    [
        ("one\n{% if %}", 2, "Expected an expression"),
        ("one\n\n{{ form_version }}", 3, "There is no fact 'form_version'. Did you mean 'from_version'?"),
        ("{{ zzz }}", 1, "There is no fact 'zzz'."),
        ("one\n{{ component | shout }}", 2, "No filter named 'shout'."),
        ("one\n{{ component.upper() }}", 2, "A message cannot use Call."),
        ("one\n{% include page %}", 2, "An include names its file in quotes."),
        ("one\n{% include 'nowhere.txt' %}", 2, "There is no template 'nowhere.txt'."),
        ("one\n{{ failed }}", 2, "may be unknown: ask {% if ... %} first (when all that may be unknown is unknown)"),
        ("one\n{{ opened_at }}", 2, "a time: use the filter clock or moment"),
        ("one\n{{ sticky }}", 2, "yes or no: use {% if ... %}"),
        ("one\n{{ known_risks }}", 2, "a list: use {% for ... %}"),
        ("one\n{{ component | clock }}", 2, "needs a time with its zone, and got words"),
        ("{% if failed %}\n{{ peak | percent }}\n{% endif %}", 2, "(when peak is unknown)"),
        (
            "{% if exposed_from %}\n{{ exposed_from | period(exposed_until) }}{% endif %}",
            2,
            "exposed_from alone is known",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(root: Path, body: str, line: int, text: str) -> None:
    error = problem(write(root, body))
    assert text in str(error)
    assert (error.file, error.line) == (str(root / "messages" / "news" / "body.md"), line)
    assert str(error).startswith(f"{error.file}:{line}: ")


def test_a_mistake_in_a_part_is_named_there(root: Path) -> None:
    (root / "messages" / "_part.txt").write_text("\n\n{{ opened_at }}", encoding="utf-8")
    error = problem(write(root, "{% include '_part.txt' %}"))
    assert (error.file, error.line) == (str(root / "messages" / "_part.txt"), 3)


def test_a_part_that_includes_itself_is_found(root: Path) -> None:
    (root / "messages" / "_part.txt").write_text("{% include '_part.txt' %}", encoding="utf-8")
    templates = write(root, "{% include '_part.txt' %}")
    assert "_part.txt includes itself" in str(problem(templates))
    with pytest.raises(PlaybookError, match="recursion"):
        templates.render("news", SAMPLES, public=True)


@pytest.mark.parametrize(
    ("subject", "text"), [("one\ntwo", "A subject is one line"), ("{% if failed is none %}x{% endif %}", "is empty")]
)
def test_a_subject_is_one_line(root: Path, subject: str, text: str) -> None:
    error = problem(write(root, "body", subject=subject))
    assert text in str(error)
    assert error.file.endswith("subject.txt")


@pytest.mark.parametrize("missing", ["subject.txt", "body.md"])
def test_a_file_that_is_missing_is_named(root: Path, missing: str) -> None:
    templates = write(root, "body")
    (root / "messages" / "news" / missing).unlink()
    error = problem(templates)
    assert error.file.endswith(missing)
    assert "is missing" in str(error)


def test_all_problems_are_listed_at_once(root: Path) -> None:
    templates = write(root, "{{ one }}\n{{ two }}", slack="{{ three }}")
    lines = str(problem(templates)).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(str(root / "messages" / "news" / "body.md") + ":1: ")
    assert "slack.md:1: There is no fact 'three'" in lines[2]


def test_a_page_that_cannot_be_read_is_found(root: Path) -> None:
    (root / "pages").mkdir()
    (root / "pages" / "index.html").write_text("one\n{% if %}", encoding="utf-8")
    error = problem(write(root, "body"))
    assert (error.file, error.line) == (str(root / "pages" / "index.html"), 2)


def test_what_has_been_checked_is_what_runs(root: Path) -> None:
    templates = write(root, "approved")
    templates.check()
    write(root, "{{ edited afterwards")
    assert templates.render("news", SAMPLES, public=True).body == "approved"


# ------------------------------------------------------------------------------------------ which facts it reads


def test_facts_are_found_in_every_file_and_every_part(root: Path) -> None:
    (root / "messages" / "_part.txt").write_text("{{ reason }} {{ day | clock }}", encoding="utf-8")
    templates = write(
        root, "{% set day = opened_at %}\n{{ page }}\n{% include '_part.txt' %}", slack="\n{{ actor }}{{ reason }}"
    )
    assert templates.facts_of("news") == {"component", "opened_at", "page", "reason", "actor"}
    messages = root / "messages"
    assert templates.internal_facts("news") == {
        "reason": (str(messages / "_part.txt"), 1),
        "actor": (str(messages / "news" / "slack.md"), 2),
    }


def test_a_loop_variable_is_no_fact(root: Path) -> None:
    templates = write(root, "{% for risk in known_risks %}{{ loop.index }}{{ risk }}{% endfor %}")
    assert templates.facts_of("news") == {"component", "known_risks"}
    templates.check()


# ------------------------------------------------------------------------------------------ pages


@pytest.fixture
def pages(root: Path) -> Path:
    (root / "pages").mkdir()
    return root / "pages"


def test_pages_escape_everything_but_markup(root: Path, pages: Path) -> None:
    (pages / "index.html").write_text("{{ text }} {{ html }} {{ {'a': '<'} | tojson }} {{ url() }}", encoding="utf-8")
    page = Templates(root).page("pages/index.html", text="<b>", html=Markup("<i>"), url=lambda: "/x")
    assert page == '&lt;b&gt; <i> {"a": "\\u003c"} /x'


@pytest.mark.parametrize(
    "attack",
    [
        "{{ text.__class__ }}",
        "{{ url.__globals__ }}",
        "{{ text | attr('__class__') }}",
        "{{ text | safe }}",
        "{{ cycler.__init__ }}",
        "{{ lipsum() }}",
        "{{ numbers.append(1) }}",
        "{{ missing }}",
    ],
)
def test_pages_run_in_the_sandbox(root: Path, pages: Path, attack: str) -> None:
    (pages / "index.html").write_text(f"one\n{attack}", encoding="utf-8")
    with pytest.raises(PlaybookError) as caught:
        Templates(root).page("pages/index.html", text="x", url=lambda: "/x", numbers=[])
    assert (caught.value.file, caught.value.line) == (str(pages / "index.html"), 2)
