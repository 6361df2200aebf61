"""Reading whom an incident hit, as somebody lists them: ids alone, or a CSV with addresses."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST = 10_000
"""Customers in one list."""
_ADDRESS = re.compile(r"[^@\s<>,;:\"()]{1,64}@[^@\s<>,;:\"()]+\.[^@\s<>,;:\"().]{2,}")
_COLUMNS = {"id", "address", "locale"}


@dataclass(frozen=True, slots=True)
class Hit:
    """One customer: an address to write to, or only an id by which somebody else knows them."""

    id: str = ""
    address: str = ""
    locale: str = ""


def listed(ids: Iterable[str], table: str) -> Iterator[Hit]:
    """Yield who is listed. An id that is an address is one. Raises ValueError naming the line and the cure."""
    for each in ids:
        name = each.strip()
        if name:
            yield Hit(address=name) if "@" in name and _checked(name, "ids") else Hit(id=name)
    if table.strip():
        yield from _table(table)


def _table(text: str) -> Iterator[Hit]:
    rows = csv.DictReader(io.StringIO(text))
    columns = [name.strip() for name in rows.fieldnames or ()]
    if unknown := set(columns) - _COLUMNS:
        raise ValueError(f"The CSV has a column {min(unknown)!r}. Its first line names id, address and locale.")
    if not {"id", "address"} & set(columns):
        raise ValueError("The first line of the CSV must name address, or id.")
    rows.fieldnames = columns
    for number, row in enumerate(rows, 2):
        said = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        if said["address"]:
            _checked(said["address"], f"line {number} of the CSV")
        if said["address"] or said["id"]:
            yield Hit(**said)


def _checked(address: str, where: str) -> bool:
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"In {where}, an address cannot be one. Write name@example.com.")
    return True
