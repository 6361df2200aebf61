"""The one door to Jinja2: every template runs in a sandbox, and reads only what it is handed.

Messages (`templates/messages`) are edited by people who need not be programmers, and some of what they print comes from
strangers. So a message may use text, facts, the filters in `rendering.filters`, `if`, `for`, `set` and `include`, and
nothing else of Jinja2; there is nothing in it to call. Pages (`templates/pages`, `templates/email`) are written by
developers: they have the whole language, in the same sandbox, with HTML escaped.
"""

import difflib
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, meta, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.sandbox import ImmutableSandboxedEnvironment

from trusthub.domain.message import FACTS, Rendered
from trusthub.errors import PlaybookError
from trusthub.rendering import filters

LIMIT = 40_000
"""Characters. No message is this long, and a mistake in a loop would be longer."""

_LANGUAGE = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If, nodes.For, nodes.Assign,
    nodes.Include, nodes.Filter, nodes.Test, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or,
    nodes.Not, nodes.Getattr,
)  # fmt: skip
"""All that a message may be made of."""
_PAGE_FILTERS = (
    "batch", "capitalize", "count", "default", "dictsort", "e", "escape", "first", "float", "format", "groupby",
    "indent", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr",
    "replace", "reverse", "round", "select", "selectattr", "slice", "sort", "string", "striptags", "sum", "title",
    "tojson", "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
)  # fmt: skip
_PAGE_TESTS = (
    "!=", "<", "<=", "==", ">", ">=", "boolean", "defined", "divisibleby", "eq", "even", "false", "float", "ge", "gt",
    "in", "integer", "iterable", "le", "lt", "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string",
    "true", "undefined",
)  # fmt: skip
_MISTAKES = (
    TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError,
)  # fmt: skip
"""What a message raises that was written wrongly."""
_OURS = frozenset({"complaint", "motive", "note", "reply"})
"""Facts that a person who works here wrote."""
_FILES = ("subject.txt", "body.md", "slack.md")

Place = tuple[str, int]
"""A file and a line in it."""


class _Plain(CodeGenerator):
    """Compiles the part of the language that messages may use, and refuses the rest before it can run."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 - Jinja2's name
        for child in node.find_all(nodes.Node):
            if not isinstance(child, _LANGUAGE):
                self.fail(f"A message cannot use {type(child).__name__}.", child.lineno or 1)
            if isinstance(child, nodes.Include) and not isinstance(child.template, nodes.Const):
                self.fail("An include names its file in quotes.", child.lineno)
            if isinstance(child, nodes.Filter) and child.name == "markdown":
                strangers = {each.name for each in child.find_all(nodes.Name)} - _OURS
                if strangers:
                    self.fail(f"Only {' and '.join(sorted(_OURS))} may be Markdown.", child.lineno)
        super().visit_Template(node, frame)


class _Messages(ImmutableSandboxedEnvironment):
    code_generator_class = _Plain

    def __init__(self, root: Path, *, finalize: Callable[[object], str]) -> None:
        super().__init__(
            loader=FileSystemLoader([root / "messages", root / "email"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,  # a file that is included stays a paragraph
            autoescape=False,
            auto_reload=False,  # what has been checked is what runs
            finalize=finalize,
        )
        self.filters = dict(filters.FILTERS)
        self.tests = {"none": self.tests["none"]}
        self.globals = {}


class _Pages(ImmutableSandboxedEnvironment):
    def __init__(self, root: Path) -> None:
        super().__init__(
            loader=FileSystemLoader(root),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=True,
        )
        times = {name: filters.FILTERS[name] for name in ("clock", "date", "moment", "number", "percent", "period")}
        self.filters = {name: self.filters[name] for name in _PAGE_FILTERS} | times
        self.tests = {name: self.tests[name] for name in _PAGE_TESTS}
        self.globals = {name: self.globals[name] for name in ("namespace", "range")}


@dataclass(frozen=True, slots=True)
class _Understood:
    """What one template reads, sets and includes, with lines."""

    file: str
    reads: Mapping[str, int]
    sets: frozenset[str]
    includes: Mapping[str, int]


class Templates:
    """The templates in one folder. Nothing is shared between two of these."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._subjects = _Messages(root, finalize=filters.single_line)
        self._bodies = _Messages(root, finalize=filters.plain)
        self._pages = _Pages(root)
        self._understood: dict[str, _Understood] = {}

    def messages(self) -> tuple[str, ...]:
        """Return the names of all messages."""
        folders = (self.root / "messages").iterdir() if (self.root / "messages").is_dir() else ()
        return tuple(sorted(folder.name for folder in folders if folder.is_dir() and folder.name[0] not in "._"))

    def render(self, message: str, facts: Mapping[str, object], *, public: bool) -> Rendered:
        """Put `facts` into `message`. A fact that may be unknown may be left out; unknown names are ignored.

        With `public`, internal facts are not handed in at all. Raises PlaybookError with file and line.
        """
        known = {
            name: facts.get(name)
            for name, fact in FACTS.items()
            if (fact.public or not public) and (fact.optional or name in facts)
        }
        subject, body, slack = self._filled(message, known)
        return Rendered(subject=" ".join(subject.split()), body=_tidy(body), slack=slack and _tidy(slack))

    def text(self, name: str, **context: object) -> str:
        """Render Markdown from templates/email that goes around messages. What the caller hands in becomes words."""
        return _tidy(self._fill(self._bodies, name, context))

    def line(self, name: str, **context: object) -> str:
        """Render one line of plain text, such as the name of an incident, from templates/messages."""
        return self._fill(self._subjects, name, context).strip()

    def page(self, name: str, **context: object) -> str:
        """Render HTML, such as `pages/index.html` or `email/layout.html`. Everything but Markup is escaped."""
        try:
            return self._pages.get_template(name).render(context)
        except TemplateError as error:
            raise self._error(error, name) from error

    def facts_of(self, message: str) -> set[str]:
        """Return every name that the message reads, in all its files and what they include."""
        return set(self._names(message))

    def internal_facts(self, message: str) -> dict[str, Place]:
        """Return the internal facts that the message reads, each with the place of its first use."""
        return {name: at for name, at in self._names(message).items() if name in FACTS and not FACTS[name].public}

    def check(self) -> None:
        """Try everything out. Raises PlaybookError that lists all problems; it stands at the first of them."""
        problems: list[PlaybookError] = []
        for message in self.messages():
            self._check(message, problems)
        for name in self._pages.list_templates(["html"]):
            with self._noting(problems, name):
                self._pages.get_template(name)
        if problems:
            first, *others = {str(problem): problem for problem in problems}.values()
            raise PlaybookError("\n  ".join([_bare(first), *map(str, others)]), file=first.file, line=first.line)

    def _check(self, message: str, problems: list[PlaybookError]) -> None:
        """Add what is wrong with a message; what would only follow from an earlier problem is left out."""
        before = len(problems)
        for file in _FILES[:2]:
            path = self.root / "messages" / message / file
            if not path.is_file():
                problems.append(PlaybookError("is missing; a message needs it.", file=str(path), line=1))
        names: dict[str, Place] = {}
        with self._noting(problems, message):
            names = self._names(message)
        for name, (file, line) in names.items():
            if name not in FACTS:
                problems.append(PlaybookError(_no_fact(name), file=file, line=line))
        if len(problems) > before:
            return
        for facts, circumstance in _samples(names):
            tried: list[PlaybookError] = []
            with self._noting(tried, message):
                self._try(message, facts)
            problems += [
                PlaybookError(f"{_bare(each)}{circumstance}", file=each.file, line=each.line) for each in tried
            ]

    def _try(self, message: str, facts: Mapping[str, object]) -> None:
        subject = self._filled(message, facts)[0].strip()
        if not subject or "\n" in subject:
            text = "A subject is one line, and no more." if subject else "The subject is empty."
            raise PlaybookError(text, file=self._path(f"{message}/subject.txt"), line=1)

    @contextmanager
    def _noting(self, problems: list[PlaybookError], name: str) -> Iterator[None]:
        try:
            yield
        except PlaybookError as error:
            problems.append(error)
        except TemplateError as error:
            problems.append(self._error(error, name))

    def _filled(self, message: str, facts: Mapping[str, object]) -> tuple[str, str, str | None]:
        subject, body, slack = (f"{message}/{file}" for file in _FILES)
        return (
            self._fill(self._subjects, subject, facts),
            self._fill(self._bodies, body, facts),
            self._fill(self._bodies, slack, facts) if (self.root / "messages" / slack).is_file() else None,
        )

    def _fill(self, environment: _Messages, name: str, context: Mapping[str, object]) -> str:
        pieces: list[str] = []
        size = 0
        try:
            for piece in environment.get_template(name).generate(context):
                size += len(piece)
                if size > LIMIT:
                    message = f"The text is longer than {LIMIT:,} characters."
                    raise PlaybookError(message, file=self._path(name), line=1)
                pieces.append(piece)
        except _MISTAKES as error:
            raise self._error(error, name) from error
        return "".join(pieces)

    def _names(self, message: str) -> dict[str, Place]:
        """Return the names that a message reads and does not set itself, each with its first use."""
        found: dict[str, Place] = {}
        for file in _FILES:
            if (self.root / "messages" / message / file).is_file():
                self._collect(f"{message}/{file}", frozenset(), found, ())
        return found

    def _collect(self, name: str, given: frozenset[str], found: dict[str, Place], above: tuple[str, ...]) -> None:
        """Add what the template `name` reads. `given` are names that the templates `above` have set before."""
        here = self._understand(name)
        for variable, line in here.reads.items():
            if variable not in given:
                found.setdefault(variable, (here.file, line))
        for included, line in here.includes.items():
            if included in (*above, name):
                message = f"{included} includes itself."
                raise TemplateSyntaxError(message, line, name, here.file)
            try:
                self._collect(included, given | here.sets, found, (*above, name))
            except TemplateNotFound as error:
                raise TemplateSyntaxError(_no_template(error), line, name, here.file) from error

    def _understand(self, name: str) -> _Understood:
        if name not in self._understood:
            environment = self._bodies
            environment.get_template(name)  # compiles it, and so refuses what a message cannot use
            source = Path(self._path(name)).read_text(encoding="utf-8")
            tree = environment.parse(source, name, self._path(name))
            read = meta.find_undeclared_variables(tree)
            reads: dict[str, int] = {}
            for each in tree.find_all(nodes.Name):
                if each.name in read and each.ctx == "load":
                    reads.setdefault(each.name, each.lineno)
            self._understood[name] = _Understood(
                file=self._path(name),
                reads=reads,
                sets=frozenset(each.name for each in tree.find_all(nodes.Name) if each.ctx == "store"),
                includes={str(each.template.as_const()): each.lineno for each in tree.find_all(nodes.Include)},
            )
        return self._understood[name]

    def _error(self, error: BaseException, name: str) -> PlaybookError:
        """Say in which file and line a template went wrong, and what its author should do."""
        file, line = self._path(name), 1
        if isinstance(error, TemplateSyntaxError):
            file, line = error.filename or file, error.lineno
        else:
            for frame in traceback.extract_tb(error.__traceback__):
                if frame.filename.startswith(str(self.root)):
                    file, line = frame.filename, frame.lineno or 1
        if isinstance(error, TemplateNotFound):
            return PlaybookError(_no_template(error), file=file, line=line)
        undefined = re.fullmatch(r"'(\w+)' is undefined", str(error))
        text = _no_fact(undefined[1]) if undefined else str(getattr(error, "message", None) or error)
        return PlaybookError(text, file=file, line=line)

    def _path(self, name: str) -> str:
        places = (self.root / folder / name for folder in ("messages", "email", "."))
        return str(next((path for path in places if path.is_file()), self.root / "messages" / name))


def _samples(names: Mapping[str, Place]) -> Iterator[tuple[dict[str, object], str]]:
    """Yield the sample facts: all known, none known that may be unknown, and each alone unknown or known."""
    full = {name: fact.sample for name, fact in FACTS.items()}
    bare = {name: None if fact.optional else fact.sample for name, fact in FACTS.items()}
    yield full, ""
    yield bare, " (when all that may be unknown is unknown)"
    for name in names:
        if FACTS[name].optional:
            yield full | {name: None}, f" (when {name} is unknown)"
            yield bare | {name: FACTS[name].sample}, f" (when {name} alone is known)"


def _no_template(error: TemplateNotFound) -> str:
    return f"There is no template {error.name!r}."


def _no_fact(name: str) -> str:
    if name in FACTS:
        return f"{name} is an internal fact: a message to customers cannot read it."
    near = difflib.get_close_matches(name, FACTS, n=1)
    return f"There is no fact {name!r}." + (f" Did you mean {near[0]!r}?" if near else "")


def _bare(problem: PlaybookError) -> str:
    return str(problem).removeprefix(f"{problem.file}:{problem.line}: ")


def _tidy(text: str) -> str:
    """Leave one empty line where conditions left several."""
    return re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", text).strip()
