"""Text that is the same for many but in some places, which are filled for each: far quicker than to make it anew."""

import re
from collections.abc import Callable
from operator import itemgetter


class Splice:
    """A text in which names stand for what differs."""

    def __init__(self, text: str, *names: str) -> None:
        """Find the places of each name."""
        parts = re.split(f"({'|'.join(map(re.escape, names))})", text)
        self._form = "".join("%s" if place % 2 else part.replace("%", "%%") for place, part in enumerate(parts))
        self._pick = _picker([names.index(name) for name in parts[1::2]])

    def fill(self, *values: str) -> str:
        """Return the text with the values, in the order of the names, in their places."""
        return self._form % self._pick(values)


def _picker(order: list[int]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """Return what gives the values for `%`, in this order; `itemgetter` gives a tuple only of two or more."""
    return itemgetter(*order) if len(order) > 1 else lambda values: tuple(values[place] for place in order)
