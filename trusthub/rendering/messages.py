"""The messages of one language: what each says with which facts, what it reads, and what is wrong with it."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, meta, nodes

from trusthub.domain.message import FACTS, Rendered
from trusthub.errors import PlaybookError
from trusthub.rendering import filters
from trusthub.rendering.mistakes import MISTAKES, bare, explained, no_fact, no_template
from trusthub.rendering.sandbox import MessageSandbox
from trusthub.rendering.speech import ZONE, Speech

LIMIT = 40_000
"""Characters. No message is this long, and a mistake in a loop would be longer."""
_FILES = ("subject.txt", "body.md", "slack.md")

Place = tuple[str, int]
"""A file and a line in it."""


@dataclass(frozen=True, slots=True)
class _Understood:
    """What one template reads, sets and includes, with lines."""

    file: str
    reads: Mapping[str, int]
    sets: frozenset[str]
    includes: Mapping[str, int]


def names(folder: Path) -> tuple[str, ...]:
    """Return the names of all messages in a folder."""
    found = folder.iterdir() if folder.is_dir() else ()
    return tuple(sorted(each.name for each in found if each.is_dir() and each.name[0] not in "._"))


class Messages:
    """The messages in one folder, and what goes around them in mail."""

    def __init__(self, folder: Path, around: Path, speech: Speech) -> None:
        """`folder` has a folder for each message and the parts that they include; `around` has the words for mail."""
        self.folder, self._folders = folder, (folder, around)
        self._subjects = MessageSandbox(self._folders, speech, finalize=filters.single_line)
        self._bodies = MessageSandbox(self._folders, speech, finalize=filters.plain)
        self._understood: dict[str, _Understood] = {}
        self._read: dict[str, dict[str, Place]] = {}

    def render(self, message: str, facts: Mapping[str, object], *, public: bool, zone: str = "UTC") -> Rendered:
        """Put `facts` into `message`. A fact that may be unknown may be left out; unknown names are ignored.

        With `public`, internal facts are not handed in at all. Times are said in `zone`, an IANA name. Raises
        PlaybookError with file and line.
        """
        known = {
            name: facts.get(name)
            for name, fact in FACTS.items()
            if (fact.public or not public) and (fact.optional or name in facts)
        }
        subject, body, slack = self._filled(message, {**known, ZONE: zone})
        return Rendered(subject=" ".join(subject.split()), body=_tidy(body), slack=slack and _tidy(slack))

    def text(self, name: str, **context: object) -> str:
        """Render Markdown from templates/email that goes around messages. What the caller hands in becomes words."""
        return _tidy(self._fill(self._bodies, name, context))

    def line(self, name: str, **context: object) -> str:
        """Render one line of plain text, such as the name of an incident, from templates/messages."""
        return self._fill(self._subjects, name, context).strip()

    def facts_of(self, message: str) -> set[str]:
        """Return every name that the message reads, in all its files and what they include."""
        return set(self._names(message))

    def internal_facts(self, message: str) -> dict[str, Place]:
        """Return the internal facts that the message reads, each with the place of its first use."""
        return {name: at for name, at in self._names(message).items() if name in FACTS and not FACTS[name].public}

    def check(self, message: str) -> list[PlaybookError]:
        """Try a message with all that can be known and unknown. Return what is wrong with it."""
        problems: list[PlaybookError] = []
        self._check(message, problems)
        return problems

    def digest(self, message: str) -> str:
        """Return a hash of all the words that a message can say: its files, and what they include."""
        found = hashlib.sha256()
        for name in sorted(self._parts(message)):
            found.update(f"{name}\0{Path(self._path(name)).read_text(encoding='utf-8')}\0".encode())
        return found.hexdigest()

    def _parts(self, message: str) -> set[str]:
        """Return the files of a message, and those that they include."""
        waiting = [f"{message}/{file}" for file in _FILES if (self.folder / message / file).is_file()]
        found: set[str] = set()
        while waiting:
            if (name := waiting.pop()) not in found:
                found.add(name)
                waiting += self._understand(name).includes
        return found

    def _check(self, message: str, problems: list[PlaybookError]) -> None:
        """Add what is wrong with a message; what would only follow from an earlier problem is left out."""
        before = len(problems)
        for file in _FILES[:2]:
            path = self.folder / message / file
            if not path.is_file():
                problems.append(PlaybookError("is missing; a message needs it.", file=str(path), line=1))
        names: dict[str, Place] = {}
        with self._noting(problems, message):
            names = self._names(message)
        for name, (file, line) in names.items():
            if name not in FACTS:
                problems.append(PlaybookError(no_fact(name), file=file, line=line))
        if len(problems) > before:
            return
        for facts, circumstance in _samples(names):
            tried: list[PlaybookError] = []
            with self._noting(tried, message):
                self._try(message, facts)
            problems += [PlaybookError(f"{bare(each)}{circumstance}", file=each.file, line=each.line) for each in tried]

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
            self._fill(self._bodies, slack, facts) if (self.folder / slack).is_file() else None,
        )

    def _fill(self, environment: MessageSandbox, name: str, context: Mapping[str, object]) -> str:
        pieces: list[str] = []
        size = 0
        try:
            for piece in environment.get_template(name).generate(context):
                size += len(piece)
                if size > LIMIT:
                    message = f"The text is longer than {LIMIT:,} characters."
                    raise PlaybookError(message, file=self._path(name), line=1)
                pieces.append(piece)
        except MISTAKES as error:
            raise self._error(error, name) from error
        return "".join(pieces)

    def _names(self, message: str) -> dict[str, Place]:
        """Return the names that a message reads and does not set itself, each with its first use."""
        if message not in self._read:
            found: dict[str, Place] = {}
            for file in _FILES:
                if (self.folder / message / file).is_file():
                    self._collect(f"{message}/{file}", frozenset(), found, ())
            self._read[message] = found
        return self._read[message]

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
                raise TemplateSyntaxError(no_template(error), line, name, here.file) from error

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
        return explained(error, self._path(name), self.folder)

    def _path(self, name: str) -> str:
        places = (folder / name for folder in self._folders)
        return str(next((path for path in places if path.is_file()), self.folder / name))


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


def _tidy(text: str) -> str:
    """Leave one empty line where conditions left several."""
    return re.sub(r"\n(?:[ \t]*\n){2,}", "\n\n", text).strip()
