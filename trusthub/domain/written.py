"""What input that people write by hand has in common: no unknown keys, times with a unit, one thing or several."""

import re
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
T = TypeVar("T")


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,6})\s*([smhd])", str(value).strip(), re.ASCII)
    if not match:
        raise ValueError(f"{value!r} is not a duration. Write a number and s, m, h or d, such as 30m")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _several(value: Any) -> Any:
    return value if isinstance(value, list | tuple) or value is None else (value,)


Duration = Annotated[timedelta, BeforeValidator(_duration)]
OneOrMore = Annotated[tuple[T, ...], BeforeValidator(_several), Field(min_length=1)]
"""One value, or a list of them."""


class Strict(BaseModel):
    """Unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)
