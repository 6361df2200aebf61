"""`${NAME}` in site.yaml: secrets, and addresses that hold one, come from the environment and stand in no file."""

import os
import re
from typing import Any

from trusthub.services.document import Document, Place, dotted


def substitute(document: Document) -> Document:
    """Fill `${NAME}` in secrets from the environment; an unset name leaves what it guards without a secret."""
    for section, keys in _SECRETS.items():
        entries = document.value.get(section) if isinstance(document.value, dict) else None
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            for key in keys if isinstance(entry, dict) else ():
                _fill(document, entry, key, (section, name, key))
    audiences = document.value.get("audiences") if isinstance(document.value, dict) else None
    for audience, places in audiences.items() if isinstance(audiences, dict) else ():
        for index, entry in enumerate(places) if isinstance(places, list) else ():
            for key in _HIDDEN & entry.keys() if isinstance(entry, dict) else ():
                _fill_or_fail(document, entry, key, ("audiences", audience, index, key))
    _fill_called(document)
    return document


def _fill_called(document: Document) -> None:
    """Fill the addresses and secrets of programs that are called: help desks, and what rolls back."""
    said = document.value if isinstance(document.value, dict) else {}
    for section, *below in (("help_desks",), ("connections", "rollback")):
        entries = said.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            place = entry.get(below[0]) if below and isinstance(entry, dict) else entry
            if isinstance(place, dict):
                for key in _HIDDEN & place.keys():
                    _fill_or_fail(document, place, key, (section, name, *below, key))


def _fill_or_fail(document: Document, entry: dict[str, Any], key: str, place: Place) -> None:
    """Fill it, and refuse an unset name: a message must not go unsigned, or nowhere, for a variable that is missing."""
    written = entry[key]
    _fill(document, entry, key, place)
    if written and not any(entry[key] if isinstance(entry[key], list) else [entry[key]]):
        message = f"{dotted(place)}: {written} is not set in the environment. Set it, or take this out."
        raise document.error(message, place)


_HIDDEN = frozenset({"webhook", "apprise", "secret"})
_SECRETS = {"connections": ("secret",), "gates": ("secret", "token", "private_key")}


def _fill(document: Document, entry: dict[str, Any], key: str, place: Place) -> None:
    secret = entry.get(key)
    if isinstance(secret, list):
        entry[key] = [_filled(document, one, (*place, index)) for index, one in enumerate(secret)]
    elif secret is not None:
        entry[key] = _filled(document, secret, place)


def _filled(document: Document, secret: object, place: Place) -> object:
    if not isinstance(secret, str) or "$" not in secret:
        return secret
    match = re.fullmatch(r"\$\{(\w+)\}", secret)
    if match is None:
        message = f"{dotted(place)}: is no variable, and would be the secret itself. Write ${{NAME}}."
        raise document.error(message, place)
    return os.environ.get(match[1]) or None
