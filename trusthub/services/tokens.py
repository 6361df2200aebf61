"""Private links: an HMAC over what they open. None is stored, and each can be made again, revoked and rotated."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes and reads tokens of the form `<key id>.<object>.<version>.<signature>`."""

    secret: str

    def make(self, kind: str, what: str, version: int = 1) -> str:
        """Return a token that opens `what`, until its version is raised or the secret changes."""
        return self.maker(kind)(what, version)

    def maker(self, kind: str) -> Callable[[str, int], str]:
        """Return what makes tokens of one kind: an update takes a hundred thousand of them."""
        begun, key_id = hmac.new(self.secret.encode(), f"{kind}:".encode(), "sha256"), self.key_id

        def make(what: str, version: int) -> str:
            signed, mac = f"{what}.{version}", begun.copy()
            mac.update(signed.encode())
            return f"{key_id}.{signed}.{mac.hexdigest()[:32]}"  # letters and digits only: mail programs bend the rest

        return make

    def read(self, kind: str, token: str) -> tuple[str, int] | None:
        """Return what a token opens and its version, or None when it is not ours or for another kind."""
        try:
            _, what, version_text, _ = token.split(".")
            version = int(version_text)
        except ValueError:
            return None
        genuine = hmac.compare_digest(token.encode(), self.make(kind, what, version).encode())
        return (what, version) if genuine else None

    def hide(self, kind: str, what: str) -> str:
        """Return what stands for `what` where that may not be kept; nobody can turn it back."""
        return self.make(f"hidden {kind}", what).rpartition(".")[2]

    @property
    def key_id(self) -> str:
        """Name the secret without telling it: rotation can be seen, and two hubs told apart."""
        return _key_id(self.secret)


@lru_cache
def _key_id(secret: str) -> str:
    return hashlib.sha256(b"key id:" + secret.encode()).hexdigest()[:4]
