"""The sandboxes that templates run in.

Messages are edited by people who need not be programmers, and some of what they print comes from strangers. So a
message may use text, facts, filters, `if`, `for`, `set` and `include`, and nothing else of Jinja2; there is nothing in
it to call. Pages are written by developers: they have the whole language, in the same sandbox, with HTML escaped.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from trusthub.rendering import filters
from trusthub.rendering.speech import Speech

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
_OURS = frozenset({"advice", "complaint", "effect", "motive", "note", "proposed", "reply"})
"""Facts that a person who works here wrote, or that this hub did."""


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's own, whose answer for a type and a name is asked for once: a page asks sixty thousand times."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may read `attr`. Jinja2's rule looks at the type and the name alone."""
        asked = (type(obj), attr)
        if asked not in self._safe:
            self._safe[asked] = super().is_safe_attribute(obj, attr, value)
        return self._safe[asked]


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


class MessageSandbox(_Sandbox):
    """For messages: little of the language, and no HTML."""

    code_generator_class = _Plain

    def __init__(self, folders: Sequence[Path], speech: Speech, *, finalize: Callable[[object], str]) -> None:
        """`finalize` makes of a value what stands in the text."""
        super().__init__(
            loader=FileSystemLoader(folders),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,  # a file that is included stays a paragraph
            autoescape=False,
            auto_reload=False,  # what has been checked is what runs
            finalize=finalize,
        )
        self.filters = {**filters.FILTERS, **speech.filters()}
        self.tests = {"none": self.tests["none"]}
        self.globals = {}


class PageSandbox(_Sandbox):
    """For pages and the layout of mail."""

    def __init__(self, root: Path, speech: Speech, said: Callable[..., Markup]) -> None:
        """`said` is `_` in a page: it says a sentence in its language."""
        super().__init__(
            loader=FileSystemLoader(root),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=True,
        )
        self.filters = {name: self.filters[name] for name in _PAGE_FILTERS} | dict(speech.page_filters())
        self.tests = {name: self.tests[name] for name in _PAGE_TESTS}
        self.globals = {"_": said, **{name: self.globals[name] for name in ("namespace", "range")}}
