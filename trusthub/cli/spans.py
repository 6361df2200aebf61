"""Lengths of time on the command line, written as in playbooks."""

from datetime import timedelta

import click


class Span(click.ParamType[timedelta]):
    """A number and s, m, h or d, such as `10m`."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length of time, or refuse it with the reason."""
        from pydantic import TypeAdapter, ValidationError

        from trusthub.domain.written import Duration

        adapter: TypeAdapter[timedelta] = TypeAdapter(Duration)
        try:
            return adapter.validate_python(value)
        except ValidationError as error:
            self.fail(error.errors()[0]["msg"].removeprefix("Value error, ") + ".", param, ctx)


SPAN = Span()
