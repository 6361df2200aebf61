"""Whether Slack really sent what claims to come from Slack."""

from collections.abc import Mapping

from slack_sdk.signature import SignatureVerifier


def genuine(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Check the signature over `v0:<timestamp>:<body>`; older than five minutes is refused.

    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    try:
        return bool(secret) and SignatureVerifier(secret).is_valid_request(body, dict(headers))
    except (ValueError, TypeError):  # a time that is no number, a body or signature that is no plain text
        return False
