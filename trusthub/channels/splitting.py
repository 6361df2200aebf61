"""Long messages become several, in right places: nothing is lost, and a promise is whole and in the first of them."""

import re

_LONGEST_PROMISE = 1000
"""Characters that a promise may have to be kept together. Ours have 60."""


def pages(text: str, limit: int, promise: str = "") -> list[str]:
    """Split a text into parts of at most `limit` characters.

    The paragraph, line or sentence that says `promise` (a time, such as `14:36 UTC`) goes to the end of the first part,
    unless it is there already: many people read no further.
    """
    parts = split(text, limit)
    start, end = _promise(text, promise, min(limit // 2, _LONGEST_PROMISE)) if len(parts) > 1 else (0, 0)
    said = text[start:end].strip()
    if not said or said in parts[0]:
        return parts
    first, *more = split(f"{text[:start].rstrip()}\n\n{text[end:].lstrip()}", limit - len(said) - 2)
    return [f"{first}\n\n{said}", *split("\n\n".join(more), limit)]


def split(text: str, limit: int) -> list[str]:
    """Split at the border of a paragraph, else of a line, a sentence or a word. Only white space at borders goes."""
    parts, rest = [], text.strip("\n")
    while len(rest) > limit:
        border = _border(rest[:limit])
        parts.append(rest[:border].rstrip())
        rest = rest[border:].lstrip("\n")
    return [part for part in (*parts, rest) if part.strip()]


def _promise(text: str, promise: str, longest: int) -> tuple[int, int]:
    """Return where the last thing that says the promise begins and ends; 0 and 0 when nothing does."""
    at = text.rfind(promise) if promise else -1
    if at < 0 or text[:at].count("```") % 2:
        return 0, 0
    for border in (r"\n\s*\n", r"\n", r"\n|(?<=[.!?*]) "):
        marks = [0, *(mark.end() for mark in re.finditer(border, text)), len(text)]
        start = max(mark for mark in marks if mark <= at)
        end = min(mark for mark in marks if mark >= at + len(promise))
        if len(text[start:end].strip()) <= longest:
            return start, end
    return 0, 0


def _border(window: str) -> int:
    half = len(window) // 2
    for least, good in ((half, _whole), (1, _whole), (half, _outside_link)):
        for mark in ("\n\n", "\n", ". ", " "):
            border = window.rfind(mark, least)
            while border >= least:
                if good(window[:border]):
                    return border + len(mark.rstrip())
                border = window.rfind(mark, least, border)
    unfinished = re.search(r"(?:<[^>]*|&[a-z]{0,3})$", window)
    return (unfinished.start() if unfinished else 0) or len(window)


def _whole(head: str) -> bool:
    return head.count("```") % 2 == 0 and _outside_link(head)


def _outside_link(head: str) -> bool:
    return head.rfind("<") <= head.rfind(">")
