"""What people call the version that an image or a package names."""

import re
from urllib.parse import parse_qs, unquote

_DIGEST = re.compile(r"(?P<algorithm>[a-z0-9+._-]+):(?P<hex>[0-9a-f]{12})[0-9a-f]+", re.ASCII)
NAMELESS = frozenset({"latest"})
"""Tags that name no version: the next image has the same one."""

TAG = re.compile(r"(refs/tags/v?|v?(?=\d+\.\d+\.\d+([-+.]|$)))(?P<version>[\w.+-]+)", re.ASCII)
"""A ref that is a version. Three numbers are asked for, because `2.8` and `release/2.8` are names of branches."""
COMMIT = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


def of_revision(ref: str | None, commit: str | None) -> str | None:
    """Return the tag or the short commit. The name of a branch is internal, and names no version."""
    tag = TAG.fullmatch(ref or "")
    if tag:
        return tag["version"]
    return commit[:7] if commit and COMMIT.fullmatch(commit) else None


def of_image(reference: str | None) -> str | None:
    """Return the tag of a container image, else its digest shortened to twelve digits, else None.

    `registry.example:5000/acme/checkout` has a port and no tag: a tag comes after the last slash. The grammar is
    https://github.com/distribution/reference/blob/main/reference.go.
    """
    if reference is None:
        return None
    name, _, digest = reference.partition("@")
    _, _, tag = name.rpartition("/")[2].partition(":")
    return tag if tag and tag not in NAMELESS else _short(digest)


def of_package(identifier: str | None) -> str | None:
    """Return the version that a package URL names: its tag, else its version, with digests shortened.

    CDEvents asks for package URLs and says nothing about tags; the `oci` type has the tag as a qualifier
    (https://github.com/package-url/purl-spec). Anything that is no package URL is read as an image.
    """
    if identifier is None or not identifier.startswith("pkg:"):
        return of_image(identifier)
    path, _, qualifiers = identifier.partition("#")[0].partition("?")
    tag = parse_qs(qualifiers).get("tag", [""])[0]
    version = unquote(path.rpartition("/")[2].partition("@")[2])
    return (tag if tag not in NAMELESS else "") or _short(version) or version or None


def _short(digest: str) -> str | None:
    found = _DIGEST.fullmatch(digest)
    return f"{found['algorithm']}:{found['hex']}" if found else None
