"""Signing in at an identity provider: OpenID Connect Core 1.0, code flow with PKCE (RFC 7636), state and nonce."""

import hashlib
import hmac
import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy import select
from sqlmodel import col

from trusthub.channels.http import HttpError
from trusthub.domain.role import Role
from trusthub.services.acts import Act, StaffError, audit_row
from trusthub.services.fetch import DOOR
from trusthub.services.hub import Hub
from trusthub.store.tables import User

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures with a key pair. Never `none`, and no HMAC, for which the public key could be taken as the secret."""
_LARGEST = 256 * 1024
_SKEW = 60
"""Seconds by which the provider's clock may be off."""
_NO = "The identity provider's answer could not be checked, so nobody was signed in. Please try again."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the provider says it was. `roles` is None when it does not say what they may do."""

    subject: str
    email: str
    name: str
    roles: list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Where people sign in, and as what this hub is known there."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    roles_claim: str
    """Claim of the ID token that lists roles; empty when accounts keep what they have here."""
    back: str
    """Where the provider sends people back to: exactly what is registered there."""

    def begin(self) -> tuple[str, dict[str, str]]:
        """Return where to send the browser, and what its session keeps until it is back. Raises StaffError."""
        kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        challenge = urlsafe_b64encode(hashlib.sha256(kept["verifier"].encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.back,
            "scope": "openid email profile",
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        start = str(self._found()["authorization_endpoint"])
        return f"{start}{'&' if '?' in start else '?'}{urlencode(asked)}", kept

    def finish(self, answer: Mapping[str, str], kept: Mapping[str, str], now: datetime) -> Identity:
        """Return who came back with the query `answer`. Raises StaffError when anything is not as it must be."""
        if not hmac.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
            raise StaffError(_NO)
        if not answer.get("code"):
            raise StaffError("The identity provider did not sign you in.")
        found = self._found()
        claims = self._claims(self._exchange(found, answer["code"], kept["verifier"]), found, kept["nonce"], now)
        email = str(claims.get("email") or "").strip().lower()
        if not email or claims.get("email_verified") not in {True, "true"}:
            raise StaffError("The identity provider has not verified your email address, so it cannot be used here.")
        name = " ".join(str(claims.get("name") or email.partition("@")[0]).split())[:80]
        return Identity(f"{self.issuer} {claims['sub']}", email, name, self._roles(claims))

    def _roles(self, claims: Mapping[str, Any]) -> list[str] | None:
        if not self.roles_claim:
            return None
        said = claims.get(self.roles_claim) or []
        roles = sorted(set(said.split() if isinstance(said, str) else map(str, said)) & set(Role))
        if not roles:
            raise StaffError("The identity provider gives you no role here. Its administrator can.")
        return roles

    def _found(self) -> dict[str, Any]:
        """Return what the provider says about itself (OpenID Connect Discovery 1.0, 4.3: about this very issuer)."""
        found = _json("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer or not {"authorization_endpoint", "token_endpoint", "jwks_uri"} <= set(
            found
        ):
            raise StaffError(_NO)
        return found

    def _exchange(self, found: Mapping[str, Any], code: str, verifier: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.back, "code_verifier": verifier}
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"  # RFC 6749, 2.3.1
        headers = {
            "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        return str(_json("POST", str(found["token_endpoint"]), urlencode(form).encode(), headers).get("id_token", ""))

    def _claims(self, token: str, found: Mapping[str, Any], nonce: str, now: datetime) -> Mapping[str, Any]:
        """Return what a token says, once its signature and everything in OpenID Connect Core 3.1.3.7 is right."""
        keys = _json("GET", str(found["jwks_uri"]))
        must = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=_SKEW,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS).claims  # type: ignore[arg-type]
            must.validate(read)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise StaffError(_NO) from error
        if read.get("azp", self.client_id) != self.client_id:
            raise StaffError(_NO)
        return read


def account(hub: Hub, who: Identity) -> User:
    """Return the account of who came from the provider, made at their first visit as a viewer or with the roles given.

    They are known by the provider's own name for them; an account from before is theirs by its address, once. Raises
    StaffError for an account that may not sign in, or whose address is somebody else's there.
    """
    act = Act(actor=who.name, now=hub.clock(), email=who.email)
    with hub.database.transaction(quiet=True) as session:
        row = session.execute(select(User).where(col(User.subject) == who.subject)).scalar()
        row = row or session.execute(select(User).where(col(User.email) == who.email)).scalar()
        if row is None:
            row = User(email=who.email, name=who.name, password="", roles=[Role.VIEWER], created_at=act.now)
            session.add(row)
            session.flush()
            audit_row(session, act, "account", f"staff:{row.id}", "from the identity provider")
        if not row.active or row.subject not in {None, who.subject}:
            raise StaffError("This account may not sign in here. An admin can say more.")
        if row.subject is None or (who.roles is not None and row.roles != who.roles):
            audit_row(session, act, "identity", f"staff:{row.id}")
        row.subject, row.roles = who.subject, row.roles if who.roles is None else who.roles
        return row


def _json(method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    try:
        get = method == "GET"
        answer = DOOR.get(url, largest=_LARGEST) if get else DOOR.post(url, body, headers or {}, largest=_LARGEST)
        read = json.loads(answer.body) if answer.status == 200 else None  # noqa: PLR2004 -- OK
    except (HttpError, ValueError) as error:
        raise StaffError("The identity provider does not answer. Please try again in a minute.") from error
    if not isinstance(read, dict):
        raise StaffError(_NO)
    return read
