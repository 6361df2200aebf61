"""Mail as it comes in: requests in the shape of SendGrid's Inbound Parse, and whole messages."""

import json
from collections.abc import Mapping, Sequence
from email.message import EmailMessage

from werkzeug.test import TestResponse

from tests.e2e.house import House

BOUNDARY = "xYzZY"
KEY = "parse-token"
ADDRESS = "reply@in.acme.example"
OPEN = {"mail_inbound": ADDRESS, "mail_inbound_token": KEY}
"""Settings with which a hub hears customers by Inbound Parse."""


def form(
    *,
    sender: str,
    to: str,
    text: str = "",
    html: str = "",
    headers: Mapping[str, str] | None = None,
    charset: str = "utf-8",
    spf: str = "pass",
    dkim: str = "{@customer.example : pass}",
    returns: str | None = None,
    files: Sequence[tuple[str, bytes]] = (),
) -> bytes:
    """Return the body of a request, each field in the charset that `charsets` names for it."""
    address = sender.rpartition("<")[2].rstrip(">")
    lines = {"Message-ID": f"<{abs(hash((sender, to, text, html)))}@customer.example>", "From": sender, "To": to}
    fields: dict[str, tuple[str, str]] = {
        "headers": ("\n".join(f"{name}: {value}" for name, value in (lines | dict(headers or {})).items()), "utf-8"),
        "dkim": (dkim, "utf-8"),
        "SPF": (spf, "utf-8"),
        "to": (to, "utf-8"),
        "from": (sender, "utf-8"),
        "subject": ("Re: Checkout", "utf-8"),
        "envelope": (json.dumps({"to": [to], "from": address if returns is None else returns}), "utf-8"),
        "charsets": (json.dumps(dict.fromkeys(("text", "html"), charset) | {"from": "UTF-8"}), "utf-8"),
        "attachments": (str(len(files)), "utf-8"),
    }
    fields |= {name: (value, charset) for name, value in (("text", text), ("html", html)) if value}
    parts = [_part(f'name="{name}"', value.encode(code)) for name, (value, code) in fields.items()]
    parts += [
        _part(f'name="attachment{place}"; filename="{name}"', data) for place, (name, data) in enumerate(files, 1)
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def _part(disposition: str, value: bytes) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + value + b"\r\n"


def post(hub: House, body: bytes, path: str = f"/email/inbound/{KEY}", **headers: str) -> TestResponse:
    """Send a request as SendGrid would, and let the worker deliver what follows."""
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    answer = hub.web.post(path, data=body, content_type=kind, headers=headers)
    hub.parts.worker.drain()
    return answer


def fate(answer: TestResponse) -> str:
    """Return what became of a mail that was taken."""
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["fate"])


def message(sender: str, to: str, text: str, **headers: str) -> EmailMessage:
    """Return a whole mail."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = sender, to, "Re: Checkout"
    made["Message-ID"] = f"<{abs(hash((sender, to, text)))}@customer.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made
