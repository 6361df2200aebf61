"""The modals that Slack shows: an update of an incident, and feedback that a customer gave in Slack.

https://docs.slack.dev/reference/views/modal-views
"""

from collections.abc import Mapping
from typing import Any

from trusthub.domain.incident import State
from trusthub.services.feedback import LONGEST
from trusthub.services.views import IncidentView

View = dict[str, Any]
UPDATE, FEEDBACK = "update", "feedback"
"""Callback ids."""
STATES = (State.INVESTIGATING, State.IDENTIFIED, State.MONITORING, State.RESOLVED)
_ACTION = "value"
_TEXT = 3000
"""Characters that Slack takes in one text input."""
_TITLE = 24
_OPTION = 75


def update(incident: IncidentView, locales: tuple[str, ...], recovery: str = "") -> View:
    """Return the form for an update: its state, the words in each language of the page, and a time."""
    states = [_option(state.value.capitalize(), state.value) for state in STATES]
    first = next((each for each in states if each["value"] == incident.state), states[0])
    chosen = {"type": "static_select", "options": states, "initial_option": first}
    words = [
        _input(words_of(code, locales), f"What customers read{f' ({code})' if len(locales) > 1 else ''}", _area())
        for code in locales
    ]
    clock = _line("14:30") | ({"initial_value": recovery} if recovery else {})
    promise = _input("recovery", "It works again by (UTC, such as 14:30)", clock, optional=True)
    promise["hint"] = _plain("A promise in public. When we write next is promised besides, as the playbook has it.")
    blocks = [_input("state", "State", chosen), *words, promise]
    return _modal(UPDATE, f"Update {incident.public_id}", "Publish", blocks, incident.public_id)


def words_of(code: str, locales: tuple[str, ...]) -> str:
    """Return the name of the input for the words in a language; the page's own has none in it."""
    return "words" if code == locales[0] else f"words_{code}"


def feedback(subjects: Mapping[str, str], words: str, metadata: str) -> View:
    """Return the form for what a customer said; `subjects` are what it can be about, by value."""
    options = [_option(label, value) for value, label in subjects.items()][:100]
    about = {"type": "static_select", "options": options}
    blocks = [
        _input("about", "What is it about?", about),
        _input("words", "The customer's words", _area() | {"initial_value": words[:_TEXT]}),
        _input("name", "The customer's name", _line(""), optional=True),
        _input("email", "Their email address", {"type": "email_text_input"}, optional=True),
    ]
    blocks[-1]["hint"] = _plain(
        "With an address they get a mail with their private page. Without one nobody gets mail."
    )
    return _modal(FEEDBACK, "Record as feedback", "Record", blocks, metadata)


def values(view: Mapping[str, Any]) -> dict[str, str]:
    """Return what was filled in, by input, without the space around it."""
    found: dict[str, str] = {}
    for block, actions in ((view.get("state") or {}).get("values") or {}).items():
        for given in actions.values():
            value = (given.get("selected_option") or {}).get("value") or given.get("value") or ""
            found[block] = str(value).strip()
    return found


def _modal(callback: str, title: str, submit: str, blocks: list[View], metadata: str) -> View:
    return {
        "type": "modal",
        "callback_id": callback,
        "title": _plain(title[:_TITLE]),
        "submit": _plain(submit),
        "close": _plain("Cancel"),
        "private_metadata": metadata,
        "blocks": blocks,
    }


def _input(block: str, label: str, element: View, *, optional: bool = False) -> View:
    shape = {"type": "input", "block_id": block, "label": _plain(label), "optional": optional}
    return shape | {"element": element | {"action_id": _ACTION}}


def _area() -> View:
    return {"type": "plain_text_input", "multiline": True, "max_length": min(_TEXT, LONGEST)}


def _line(example: str) -> View:
    return {"type": "plain_text_input"} | ({"placeholder": _plain(example)} if example else {})


def _option(label: str, value: str) -> View:
    return {"text": _plain(label if len(label) <= _OPTION else f"{label[: _OPTION - 1]}…"), "value": value}


def _plain(text: str) -> View:
    return {"type": "plain_text", "text": text}
