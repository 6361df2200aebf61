"""What Slack's refusals mean, and what the person who runs the hub can do about them.

Codes: https://docs.slack.dev/reference/methods/chat.postMessage#errors and .../chat.update#errors. A code that is not
here is tried again: one attempt too many is better than a message that ends in silence.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from slack_sdk.web import SlackResponse

from trusthub.channels import retry_after
from trusthub.errors import DeliveryError

_REINSTALL = "Install the Slack app again and set TRUSTHUB_SLACK_BOT_TOKEN to its bot token."
_SITE = "Name another channel in site.yaml, or"
_LONG = "Shorten the message's template."
_ADMIN = "Ask an administrator of the workspace to allow the app to post there."

CURES: Mapping[str, str] = {
    # the place
    "channel_not_found": (
        "The bot sees no channel {to}. Check the name in site.yaml; "
        "in a private channel type /invite and the bot's name."
    ),
    "not_in_channel": "Invite the bot to {to}: type /invite and its name there. Or add the scope chat:write.public.",
    "is_archived": f"{{to}} is archived. {_SITE} restore it.",
    "is_inactive": f"{{to}} is archived or frozen. {_SITE} restore it.",
    "team_not_found": "With a token for a whole organisation, name the channel by its id (C...) in site.yaml.",
    "user_not_found": "There is no such person in Slack as {to}. Check site.yaml.",
    "messages_tab_disabled": "Switch on the Messages tab under App Home in the Slack app's settings.",
    "restricted_action": f"The workspace does not let the bot post in {{to}}. {_ADMIN}",
    "restricted_action_read_only_channel": f"{{to}} is read-only. {_SITE} allow the bot to post there.",
    "restricted_action_thread_only_channel": f"{{to}} takes replies only. {_SITE} change its posting rules.",
    # the token
    "not_authed": f"No token was sent. {_REINSTALL}",
    "invalid_auth": f"Slack does not know the token, or not from this address. {_REINSTALL}",
    "account_inactive": f"The token's bot or workspace is gone. {_REINSTALL}",
    "token_revoked": f"The token was revoked. {_REINSTALL}",
    "token_expired": f"The token has expired. {_REINSTALL}",
    "not_allowed_token_type": f"A bot token (xoxb-...) is needed. {_REINSTALL}",
    "missing_scope": f"The app lacks the scope {{needed}}. Add it under OAuth & Permissions. {_REINSTALL}",
    "no_permission": f"The app lacks the scope {{needed}}. Add it under OAuth & Permissions. {_REINSTALL}",
    "access_denied": _ADMIN,
    "accesslimited": "The workspace allows the API from listed networks only. Have this server's address listed.",
    "app_access_restricted": _ADMIN,
    "ekm_access_denied": _ADMIN,
    "enterprise_is_restricted": _ADMIN,
    "team_access_not_granted": _ADMIN,
    # the message
    "msg_too_long": _LONG,
    "msg_blocks_too_long": _LONG,
    "no_text": "The message is empty. Check its template.",
    "invalid_blocks": "Slack cannot show the message's blocks. Check its template and its buttons.",
    "invalid_blocks_format": "Slack cannot show the message's blocks. Check its template and its buttons.",
    "invalid_arguments": "Slack cannot read the request. This is a fault in trusthub.",
    "invalid_metadata_format": "Slack cannot read the request's metadata. This is a fault in trusthub.",
    "metadata_too_large": "Slack cannot read the request's metadata. This is a fault in trusthub.",
    "unknown_method": "No such call: is TRUSTHUB_SLACK_API_URL right? It ends in /api/.",
}

_HALF_DONE = frozenset({"fatal_error", "internal_error"})
"""Slack says of these: it is possible that some aspect of the operation succeeded."""
_SLOWER = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
_WHOLE_WORKSPACE = frozenset({"message_limit_exceeded"})
"""Of the whole workspace Slack says this; the others are about one channel, or one method."""


def refusal(response: SlackResponse, to: str) -> DeliveryError:
    """Turn an answer without `ok` into an error whose text tells the cure. Nothing of the request goes into it."""
    status, code = response.status_code, code_of(response)
    wait = retry_after.seconds(response.headers, datetime.now(UTC))
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _SLOWER:
        everywhere = code in _WHOLE_WORKSPACE
        return DeliveryError("Slack asks for fewer messages.", retry_after=wait, status=status, everywhere=everywhere)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or code in _HALF_DONE:
        text = f"Slack failed ({_named(code, status)}). It may have taken the message."
        return DeliveryError(text, retry_after=wait, status=status, ambiguous=True)
    if code in CURES:
        cure = CURES[code].format(to=to, needed=_needed(response))
        return DeliveryError(f"{code}: {cure}", permanent=True, status=status)
    if not code:  # a proxy's page, most likely
        text = f"What answered for Slack was not Slack (HTTP {status}). Is TRUSTHUB_SLACK_API_URL right?"
        return DeliveryError(text, status=status, ambiguous=status == HTTPStatus.OK)
    return DeliveryError(f"Slack refused the message: {code}.", status=status)


def code_of(response: SlackResponse) -> str:
    """Return Slack's error code, or nothing when the answer was not Slack's: the SDK then puts the page there."""
    code = str(response.get("error", ""))
    return code if re.fullmatch(r"[a-z_]+", code) else ""


def _named(code: str, status: int) -> str:
    return code or f"HTTP {status}"


def _needed(response: SlackResponse) -> str:
    needed = str(response.get("needed", ""))
    return needed if re.fullmatch(r"[a-z:.,_ ]+", needed) else "chat:write"
