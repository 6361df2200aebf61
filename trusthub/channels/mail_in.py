"""Mail that comes in, read into one shape: whole messages (IMAP), and the forms that SendGrid's Inbound Parse posts."""

import html
import json
import re
from collections.abc import Iterator, Mapping
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.parser import BytesParser, Parser
from email.utils import getaddresses, parseaddr
from typing import Any

import nh3
import quotequail
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from trusthub.domain.inbound import Incoming
from trusthub.errors import PayloadError

_ID = re.compile(r"<([^<>\s]+)>")
_NAME = 80
_MOST_PARTS = 64
_TEXT, _LINES = 20_000, 400
"""Characters and lines of a text that are looked through for what was typed and what is quoted. We keep 5,000 of them,
and the time that it takes grows with the square of the lines."""
_HTML = 200_000
"""Characters of HTML, likewise."""
_SIGNATURE = "\n-- \n"
"""What mail programs put above a signature."""
_BREAK = re.compile(r"<br\b[^>]{0,200}>|</(?:p|div|li|tr|h\d)>", re.IGNORECASE)
_QUOTED = re.compile(r"""<(?:blockquote\b|div[^>]{1,300}?(?:gmail_quote|divRplyFwdMsg|moz-cite-prefix|yahoo_quoted))""")
_VERDICT = re.compile(r"\b(spf|dkim)=(\w+)([^;]*)", re.IGNORECASE)
_OF = re.compile(r"header\.(?:d|i)=@?([\w.-]+)", re.IGNORECASE)


def posted(body: bytes, content_type: str) -> Incoming:
    """Read a request of Inbound Parse, in its parsed or its raw form. Raises PayloadError when it is none.

    https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
    """
    fields, files = _form(body, content_type)
    envelope = _json(fields.get("envelope", b""))
    returns = str(envelope.get("from") or "<>").lower() if envelope else ""
    told = {"returns": returns, "spf": _plain(fields, "SPF"), "dkim": _plain(fields, "dkim")}
    to = tuple(str(each).lower() for each in envelope.get("to") or ())
    if "email" in fields:
        return message(fields["email"], to=to, **told)
    charsets = _json(fields.get("charsets", b""))

    def text(name: str) -> str:
        return _decoded(fields.get(name, b""), str(charsets.get(name) or "utf-8"))

    if "headers" not in fields or "from" not in fields:
        raise PayloadError("This is no mail: `headers` and `from` are missing. Post to this address by Inbound Parse.")
    headers = Parser(policy=policy.compat32).parsestr(text("headers"), headersonly=True)
    words = text("text") or _words_of(text("html"))
    return _incoming(headers, text("from"), words, (*to, *_addresses(text("to"))), tuple(files), **told)


def message(raw: bytes, *, to: tuple[str, ...] = (), spf: str = "", dkim: str = "", returns: str = "") -> Incoming:
    """Read a whole mail. Its verdicts are those of its first Authentication-Results, when none are handed in."""
    try:
        mail = BytesParser(policy=policy.default).parsebytes(raw)
        words, files = _parts(mail)
    except (MessageError, LookupError, ValueError, KeyError, AttributeError) as error:
        raise PayloadError(f"The mail cannot be read ({type(error).__name__}).") from error
    headers = BytesParser(policy=policy.compat32).parsebytes(raw, headersonly=True)
    if not (spf or dkim):
        spf, dkim = _verdicts(str(headers.get("Authentication-Results", "")))
    path = str(headers.get("Return-Path", "")).strip()
    returns = returns or ("<>" if path == "<>" else path.strip("<>").lower())
    named = [str(headers.get(name, "")) for name in ("To", "Cc", "Delivered-To", "X-Original-To")]
    to = (*to, *(each for text in named for each in _addresses(text)))
    sender = str(mail.get("From", ""))
    return _incoming(headers, sender, words, to, tuple(files), returns=returns, spf=spf, dkim=dkim)


def _incoming(
    headers: "Message[str, str]",
    sender: str,
    words: str,
    to: tuple[str, ...],
    files: tuple[tuple[str, bytes], ...],
    **told: str,
) -> Incoming:
    name, address = parseaddr(" ".join(sender.split()))
    answers = f"{headers.get('In-Reply-To', '')} {headers.get('References', '')}"
    own = _ID.search(str(headers.get("Message-ID", "")))
    return Incoming(
        message_id=own[1] if own else "",
        sender=address.lower(),
        name=_line(name)[:_NAME] or None,
        text=typed(words),
        to=to,
        references=tuple(_ID.findall(answers)),
        headers={each.lower(): str(value) for each, value in headers.items()},
        files=files,
        **told,
    )


def typed(text: str) -> str:
    """Return what somebody typed in a mail, without the mail that they answer; all of it when nothing else is left."""
    whole = "\n".join(text.replace("\x00", "")[:_TEXT].splitlines()[:_LINES]).strip()
    found = quotequail.unwrap(whole) or {"text_top": whole}
    own = "\n\n".join(filter(None, (found.get("text_top"), found.get("text_bottom"))))
    return own.partition(_SIGNATURE)[0].strip() or whole


def _parts(mail: EmailMessage) -> tuple[str, list[tuple[str, bytes]]]:
    body = mail.get_body(("plain", "html"))
    words = ""
    if body is not None:
        raw = body.get_payload(decode=True)
        text = _decoded(raw if isinstance(raw, bytes) else b"", body.get_content_charset("utf-8"))
        words = text if body.get_content_subtype() == "plain" else _words_of(text)
    return words, list(_attached(mail))


def _attached(mail: EmailMessage) -> Iterator[tuple[str, bytes]]:
    for part in mail.walk():
        if (name := part.get_filename()) and not part.is_multipart():
            data = part.get_payload(decode=True)
            yield name, data if isinstance(data, bytes) else b""


def _words_of(markup: str) -> str:
    """Return the words of HTML, without what is quoted at its end."""
    markup = markup[:_HTML]
    own = _QUOTED.split(markup, maxsplit=1)[0]
    return html.unescape(nh3.clean(_BREAK.sub("\n", own or markup), tags=set()))


def _verdicts(results: str) -> tuple[str, str]:
    """Read Authentication-Results (RFC 8601) into the form in which Inbound Parse tells the same."""
    found = {name.lower(): (verdict, rest) for name, verdict, rest in _VERDICT.findall(results)}
    spf, (signed, rest) = found.get("spf", ("", ""))[0], found.get("dkim", ("", ""))
    of = _OF.search(rest)
    return spf, f"{{@{of[1]} : {signed}}}" if of else signed


def _form(body: bytes, content_type: str) -> tuple[dict[str, bytes], list[tuple[str, bytes]]]:
    """Take a multipart body apart without decoding it: each field has a charset of its own."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data" or not (boundary := options.get("boundary")):
        raise PayloadError("The body is not multipart/form-data. Inbound Parse sends that.")
    decoder = MultipartDecoder(boundary.encode(), max_parts=_MOST_PARTS)
    decoder.receive_data(body)
    decoder.receive_data(None)
    fields: dict[str, bytes] = {}
    files: list[tuple[str, bytes]] = []
    now: Field | File | None = None
    parts: list[bytes] = []
    try:
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            if isinstance(event, Field | File):
                now, parts = event, []
            elif isinstance(event, Data) and now is not None:
                parts.append(event.data)
                if not event.more_data and isinstance(now, File):
                    files.append((now.filename, b"".join(parts)))
                elif not event.more_data:
                    fields[now.name] = b"".join(parts)
    except (ValueError, RequestEntityTooLarge) as error:
        raise PayloadError("The multipart body is damaged.") from error
    return fields, files


def _decoded(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, errors="replace")
    except LookupError:
        return data.decode("utf-8", errors="replace")


def _plain(fields: Mapping[str, bytes], name: str) -> str:
    return _line(_decoded(fields.get(name, b""), "utf-8"))[:200]


def _line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _json(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(address.lower() for _, address in getaddresses([text]) if address)
