"""GitHub: the answer to a deployment protection rule, as the App that the rule belongs to.

See https://docs.github.com/en/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run.
"""

import base64
import json
import re
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import urllib3
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from trusthub.channels import retry_after
from trusthub.channels.base import TIMEOUT, Outbound, Receipt
from trusthub.domain.site import Gate, GateKind
from trusthub.errors import DeliveryError, PlaybookError

_CALLBACK = r"/repos/[\w-]+/(?!\.{1,2}/)[\w.-]+/actions/runs/\d+/deployment_protection_rule"
_LONGEST = 64 * 1024
"""Bytes of an answer that are read."""
_TWICE = 2
"""A delivery may take two calls, and both have to fit into a lane's lease."""
_CURES: Mapping[int, str] = {
    401: "GitHub does not accept the App. Check `app` and `private_key` of the gate, or its `token`.",
    403: "GitHub forbids it. Give the App the permission Deployments: read and write.",
    404: "GitHub knows no such run or installation. Is the App still installed there?",
    422: "GitHub does not take the answer: the run waits no more, or the rule is not this App's.",
}


def is_callback(api: str, url: str) -> bool:
    """Whether a URL is the one call below `api` that an answer may go to. A token must never go anywhere else."""
    return re.fullmatch(re.escape(api) + _CALLBACK, url, re.ASCII) is not None


class GitHub:
    """Answers for each gate as its App, or with its fixed token."""

    def __init__(
        self, gates: Mapping[str, Gate], *, timeout: float = TIMEOUT / _TWICE, clock: Callable[[], float] = time.time
    ) -> None:
        """`timeout` is for each of two calls, in seconds; `clock` gives Unix time. Raises PlaybookError for no key."""
        self._gates = {name: gate for name, gate in gates.items() if gate.kind is GateKind.GITHUB_PROTECTION}
        self._keys = {name: _key(name, gate) for name, gate in self._gates.items() if not gate.token}
        self._timeout, self._clock = timeout, clock

    def send(self, outbound: Outbound) -> Receipt:
        """Approve or reject. To say it twice does no harm: GitHub takes the first."""
        said = outbound.arguments
        name = said["gate"]
        gate = self._gates.get(name)
        if gate is None or not is_callback(gate.api, outbound.to):
            raise DeliveryError(f"site.yaml has no gate {name!r} that answers there.", permanent=True)
        body = {"environment_name": said["environment"], "state": said["state"], "comment": outbound.subject}
        status, _ = self._post(outbound.to, gate.token or self._token(name, gate, said["installation"]), body)
        return Receipt(status=status)

    def _token(self, name: str, gate: Gate, installation: str) -> str:
        """Return a token of the App's installation, which lasts an hour and is not kept."""
        if not installation:
            raise DeliveryError("GitHub did not say which installation of the App asks.", permanent=True)
        app = _signed(str(gate.app), self._keys[name], int(self._clock()))
        _, answer = self._post(f"{gate.api}/app/installations/{installation}/access_tokens", app, {})
        try:
            return str(json.loads(answer)["token"])
        except (ValueError, KeyError, TypeError) as error:
            raise DeliveryError("GitHub gave no token.") from error

    def _post(self, url: str, token: str, body: Mapping[str, str]) -> tuple[int, bytes]:
        """Call GitHub once; return status and answer. Raises DeliveryError."""
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {token}",
            "User-Agent": "trusthub",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            with urllib3.PoolManager(ssl_context=ssl.create_default_context()) as pool:
                answer = pool.request(
                    "POST",
                    url,
                    json=body,
                    headers=headers,
                    timeout=urllib3.Timeout(total=self._timeout),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                said = answer.read(_LONGEST)
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            failure = DeliveryError(f"GitHub cannot be reached ({type(error).__name__}).", ambiguous=True)
        else:
            if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
                return answer.status, said
            failure = _refusal(answer.status, answer.headers, said)
        raise failure  # out here, so that it does not carry the request


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> DeliveryError:
    # Every answer says when the count starts again; it matters only when nothing remains.
    spent = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    wait = retry_after.seconds(dict(headers), datetime.now(UTC)) if spent else None
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and spent):
        return DeliveryError("GitHub asks for fewer calls.", retry_after=wait, status=status)
    if status in _CURES:
        return DeliveryError(f"{_CURES[status]}{_words(body)}", permanent=True, status=status)
    return DeliveryError(f"GitHub failed (HTTP {status}).", retry_after=wait, status=status)


def _words(body: bytes) -> str:
    """Return GitHub's own reason."""
    try:
        said = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f" ({' '.join(str(said).split())[:200]})"


def _key(name: str, gate: Gate) -> rsa.RSAPrivateKey:
    """Read the App's key. Its line ends may be spelled out: many stores of secrets have one line only."""
    if not gate.private_key:
        raise PlaybookError(
            f"gates.{name}: the variable for token or private_key is not set. GitHub would get no answer."
        )
    try:
        key = load_pem_private_key(gate.private_key.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError) as error:
        raise PlaybookError(f"gates.{name}.private_key: is no private key. Take the PEM file of the App.") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise PlaybookError(f"gates.{name}.private_key: is no RSA key. Take the PEM file of the App.")
    return key


def _signed(app: str, key: rsa.RSAPrivateKey, now: int) -> str:
    """Return a JSON Web Token as GitHub wants it: RS256, a minute back for its clock, ten minutes long at most.

    See https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app.
    """
    claims = {"iat": now - 60, "exp": now + 540, "iss": app}
    text = f"{_part({'alg': 'RS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _part(said: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()
