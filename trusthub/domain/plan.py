"""The documented rollback: what comes back, on which layers, when we decide for it, what it costs and what we fear.

Each field has an example, which whoever left it out is shown.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from trusthub.domain.events import Strategy
from trusthub.domain.written import Duration, Strict

Words = Annotated[str, Field(min_length=1)]
_MOVING = re.compile(r":latest\b|\brebuil[dt]", re.IGNORECASE)


def _stays(words: str) -> str:
    if moving := _MOVING.search(words):
        raise ValueError(f"{moving[0]!r} is not what ran before. Name what stays as it is, such as a digest")
    return words


class Recovery(Strict):
    """How long going back takes, as a range with the reason we believe it."""

    from_: Duration = Field(alias="from", examples=["2m"])
    to: Duration = Field(examples=["10m"])
    basis: Words = Field(examples=["the earlier version is still running"])

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.from_ > self.to:
            raise ValueError("`from` is longer than `to`. Write the shorter time first")
        return self


class Artifact(Strict):
    """What comes back. It is the thing that ran before: what must be built again first is a new version."""

    what: Annotated[Words, AfterValidator(_stays)] = Field(examples=["the image in the registry, by its digest"])
    versions: Words = Field(examples=["the registry keeps the last ten"])
    immutable: Literal[True] = Field(examples=["true"])


class Layer(Strict):
    """What is turned back on one layer, how long that takes, and who does it. Silence is no answer."""

    how: Words = Field(examples=["Set the weight to 0."])
    time: Duration = Field(examples=["2m"])
    owner: Words = Field(examples=["on call"])


_EXAMPLE = "{how: Nothing to do., time: 0s, owner: on call}"


class Layers(Strict):
    """The way back, layer by layer."""

    toggle: Layer = Field(examples=[_EXAMPLE])
    traffic: Layer = Field(examples=[_EXAMPLE])
    schema_: Layer = Field(alias="schema", examples=[_EXAMPLE])
    configuration: Layer = Field(examples=[_EXAMPLE])


class Plan(Strict):
    """The documented rollback. A rollout whose plan is missing or incomplete is not ready to start."""

    name: str
    title: Words = Field(examples=["Going back from a canary"])
    summary: Words = Field(examples=["Set the share of the new version to 0."])
    owner: Words = Field(examples=["Payments on call"])
    artifact: Artifact = Field(
        examples=["{what: the image by its digest, versions: the last ten are kept, immutable: true}"]
    )
    layers: Layers = Field(examples=[f"{{toggle: {_EXAMPLE}, traffic: ..., schema: ..., configuration: ...}}"])
    triggers: tuple[Words, ...] = Field(min_length=1, examples=["[Three customers have confirmed the same harm.]"])
    recovery: Recovery = Field(examples=["{from: 2m, to: 10m, basis: the earlier version is still running}"])
    sla: Words = Field(examples=["Up to 10 minutes of errors for the exposed share."])
    known_risks: tuple[Words, ...] = Field(min_length=1, examples=["[Requests under way can fail.]"])
    unknown_risks: tuple[Words, ...] = Field(min_length=1, examples=["[How it behaves above 2,000 requests a second.]"])
    last_drilled: date | None = None
    """When the way back was tried. `trusthub drill` writes it; nothing means never."""
    document: Words
    """The whole text in Markdown, for the person who has to do it."""


LAYER_OF = {
    Strategy.FLAG: "toggle",
    Strategy.CANARY: "traffic",
    Strategy.BLUE_GREEN: "traffic",
    Strategy.TRAFFIC: "traffic",
    Strategy.MIGRATION: "schema",
    Strategy.CONFIGURATION: "configuration",
}
"""The layer on which a rollout of a strategy is turned back. Of others its tool does not say."""


def gaps(plan: Plan) -> tuple[str, ...]:
    """Return the keys under which a plan has nothing but spaces: how to go back, how long it takes, what it costs."""
    return tuple(_blank(plan.model_dump(by_alias=True, mode="json"), ""))


def _blank(said: Any, place: str) -> Iterator[str]:
    if isinstance(said, dict):
        for key, value in said.items():
            yield from _blank(value, f"{place}.{key}".removeprefix("."))
    elif isinstance(said, list | str) and not any(word.strip() for word in ([said] if isinstance(said, str) else said)):
        yield place


def layer_used(strategy: Strategy) -> str | None:
    """Return the layer on which a rollback happened, or None when the tool does not say."""
    return LAYER_OF.get(strategy)
