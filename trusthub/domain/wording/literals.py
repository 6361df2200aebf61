"""Letters without which a pattern cannot match: most rules have nothing to say about most texts, and so we know.

Looking for a word costs a hundredth of looking for a pattern, so a text is searched only for what it can hold.
"""

import re
from collections.abc import Iterable
from importlib import import_module
from typing import Any

_SHORTEST = 3
"""Letters. Fewer of them stand in every sentence; a sign such as ! or { need not be longer than itself."""
_MOST = 60
"""Words. Looking for more of them costs as much as looking for the pattern."""


def needed(pattern: "re.Pattern[str]") -> frozenset[str] | None:
    """Return words of which each text that matches holds at least one, or None when there are none to name."""
    # The parser of the standard library has no public name. Its result is only read, and a test compares what is found
    # with and without it.
    tree = import_module("re._parser").parse(pattern.pattern, pattern.flags)
    if pattern.flags & re.IGNORECASE:
        return None
    words = _any_of(tree)
    return words if words and len(words) <= _MOST else None


def _any_of(tree: Iterable[Any]) -> frozenset[str] | None:
    """Return the most telling choice of words that a sequence needs."""
    run, choices = "", []
    for operation, argument in [*tree, (None, None)]:
        if str(operation) == "LITERAL":
            run += chr(argument)
            continue
        if str(operation) == "AT":  # an edge of a word has no width
            continue
        if len(run) >= _SHORTEST or re.search(r"[^\w\s.,:-]|_", run):
            choices.append(frozenset({run}))
        run = ""
        if (inner := _inside(str(operation), argument)) is not None:
            choices.append(inner)
    return min(choices, key=lambda words: (len(words), -min(map(len, words))), default=None)


def _inside(operation: str, argument: Any) -> frozenset[str] | None:
    if operation == "SUBPATTERN":
        return None if argument[1] & re.IGNORECASE else _any_of(argument[3])
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        return _any_of(argument[2]) if argument[0] else None
    if operation == "BRANCH":
        each = [_any_of(branch) for branch in argument[1]]
        return None if None in each else frozenset().union(*(words for words in each if words))
    return None
