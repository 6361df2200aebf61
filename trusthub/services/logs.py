"""The log: one JSON object a line, without customers, passwords and the values of variables."""

import logging
import re
import sys
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer

_BEFORE_AT = re.compile(r"""[^\s"'<>(,;:/]+@(?=\w)""")


def _hide_addresses(_logger: object, _method: str, line: Any) -> str:
    """Keep customers out of the log, and passwords in addresses of servers: of `ana@customer.example` the end stays."""
    return _BEFORE_AT.sub("*@", line)


def begin() -> None:
    """Log one JSON object a line, without the values of variables: they hold tokens and customers' words.

    Libraries that print headers or bodies at DEBUG stay silent.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
            _hide_addresses,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    for name in ("slack_sdk", "python_http_client", "sendgrid", "urllib3", "requests"):
        logging.getLogger(name).setLevel(logging.WARNING)
