"""A YAML file that remembers where each key stood, so that whoever wrote it is shown the line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from trusthub.errors import PlaybookError

Place = tuple[str | int, ...]
"""Keys and positions that lead to something in a file."""


class _Quick(Composer, yaml.CSafeLoader if yaml.__with_libyaml__ else object):  # type: ignore[misc]
    """What libyaml reads, put together in Python: that stops where a file is nested too deeply.

    libyaml's own way (PyYAML 6.0.3) ends the process there, and is not faster by much.
    """

    def __init__(self, stream: str) -> None:
        Composer.__init__(self)
        yaml.CSafeLoader.__init__(self, stream)


Loader: Any = _Quick if yaml.__with_libyaml__ else yaml.SafeLoader
"""A safe loader for `yaml.load`: with libyaml, where it is there, in a tenth of the time."""


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed YAML that remembers where each key stood."""

    path: Path
    value: Any
    lines: dict[Place, int]

    def error(self, message: str, place: Place = ()) -> PlaybookError:
        """Return an error at `place`, or at the nearest thing around it that has a line."""
        while place and place not in self.lines:
            place = place[:-1]
        return PlaybookError(message, file=str(self.path), line=self.lines.get(place, 1))


def dotted(place: Place) -> str:
    """Return a place as people write it: `audiences.support[0].slack`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def read(path: Path, cure: str = "Give the hub the right to read it.") -> str:
    """Return the text of a file. Raises PlaybookError with the reason and `cure`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PlaybookError(f"cannot be read: {error.strerror}. {cure}", file=str(path), line=1) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PlaybookError("is not UTF-8. Save it as UTF-8.", file=str(path), line=line) from error


def parse(path: Path, text: str, first_line: int = 1) -> Document:
    """Parse YAML. Raises PlaybookError at the line where it stops being YAML, or where a key is repeated."""
    try:
        value, root = _read(text)
        places = list(_places(root, (), set()))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        reason = ", ".join(filter(None, (error.context, error.problem)))
    except yaml.reader.ReaderError as error:
        line, reason = text.count("\n", 0, error.position), f"there is the character {chr(error.character)!a}"
    except ValueError as error:  # a date that does not exist
        line, reason = 0, str(error)
    except RecursionError:
        line, reason = 0, "it is nested too deeply"
    else:
        document = Document(path, value, {})
        for place, line in places:
            if place in document.lines:
                message = f"{dotted(place)}: stands here twice. Remove one."
                raise PlaybookError(message, file=str(path), line=line + first_line)
            document.lines[place] = line + first_line
        return document
    cure = "Look there for a missing space after a colon, a tab, or text that needs quotes."
    raise PlaybookError(f"is not YAML: {reason}. {cure}", file=str(path), line=line + first_line)


def _read(text: str) -> tuple[Any, yaml.Node | None]:
    """Return what YAML means, and its nodes. What is wrong is said in the words of PyYAML, which are clearer."""
    try:
        return _constructed(Loader(text))
    except yaml.YAMLError:
        return _constructed(yaml.SafeLoader(text))


def _constructed(loader: Any) -> tuple[Any, yaml.Node | None]:
    root: yaml.Node | None = loader.get_single_node()
    return None if root is None else loader.construct_document(root), root


def _places(node: yaml.Node | None, place: Place, met: set[int]) -> Iterator[tuple[Place, int]]:
    """Yield each key and item with its line, counted from 0. What an alias repeats is left out."""
    if id(node) in met:
        return
    met.add(id(node))
    if isinstance(node, yaml.MappingNode):
        members = [(key.value, key.start_mark.line, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        members = [(index, value.start_mark.line, value) for index, value in enumerate(node.value)]
    else:
        return
    for key, line, value in members:
        yield (*place, key), line
        yield from _places(value, (*place, key), met)
