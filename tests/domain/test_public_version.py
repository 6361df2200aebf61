"""Which versions customers may read. People put names of branches, hosts, customers and themselves into versions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trusthub.domain.rollout import public_version

COMMIT = "24147211d6a6a3fa1e2b9d3c5b7f1e0a9c8d7b6a"
WORDS = {
    *("a", "b", "c", "v", "g", "alpha", "beta", "rc", "pre", "preview", "dev", "snapshot", "nightly", "canary"),
    *("build", "post", "hotfix", "patch", "final", "release"),
}


@pytest.mark.parametrize(
    "version",
    [
        *("2", "2.8", "2.8.0", "v2.8.0", "2.8.0.4711", "10.0.19041.1", "2026.11.22", "2026.11.22.1", "20261122"),
        *("2.8.0-rc.1", "2.8.0rc1", "2.8.0b2", "2.8.0-SNAPSHOT", "2.8.0-beta+20261122", "2.8.0-rc.1+build.5"),
        *("2.8.0-1", "2.8.0-14-g2414721", "2.8.0-2414721", "2.8.0+2414721d6a"),
    ],
)
def test_a_version_number_passes_as_it_is(version: str) -> None:
    assert public_version(version) == version


@pytest.mark.parametrize("commit", [COMMIT, COMMIT[:12], COMMIT[:7]])
def test_a_commit_is_shortened(commit: str) -> None:
    assert public_version(commit) == "2414721"


@pytest.mark.parametrize(
    "version",
    [
        *(None, "", " ", "latest", "main", "stable", "v", "v.1", "2.8.0 ", "2.8.0\n", "2.8.0.0.0.0.0.0.0.0", "٢.٨"),
        *("release/2.8", "2.8/fix", "feature-2", "2.8.0-mira", "2.8.0-acme-fix", "2-anna.schmidt", "mira@2.8.0"),
        *("1.acme.internal", "2.facade1", "db-3.acme.example", "10.0.0.12", "10-0-0-12", "192.168.1.1", "::1"),
        *("/srv/2.8.0", "..", "registry:5000/checkout:2.8.0", "sha256:2414721d6a6a", "<b>2</b>", "1" * 5000),
        *("deadbeef", "defaced", "24147211D6A6A3F", "1.1.1." + "1" * 5000),
    ],
)
def test_anything_else_is_kept_inside(version: str | None) -> None:
    assert public_version(version) is None


names = st.from_regex(r"[a-z]{2,12}", fullmatch=True).filter(lambda name: name not in WORDS and set(name) - {*"abcdef"})
numbers = st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}", fullmatch=True)
hidden = st.one_of(
    names,
    st.builds("{}-{}".format, numbers, names),
    st.builds("{}.{}".format, numbers, names),
    st.builds("{}+{}".format, numbers, names),
    st.builds("{}-rc.1.{}".format, numbers, names),
    st.builds("{}{}".format, numbers, names),
    st.builds("{}-{}".format, names, numbers),
    st.builds("{}/{}".format, names, numbers),
    st.builds("{}/{}".format, numbers, names),
    st.builds("{}.{}.{}".format, names, names, numbers),
    st.builds("/{}/{}".format, names, numbers),
    st.builds("{}@{}".format, names, numbers),
    st.builds("{}:{}".format, names, numbers),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)


@given(hidden)
def test_no_branch_host_path_or_name_comes_through(version: str) -> None:
    assert public_version(version) is None


@given(st.text() | st.from_regex(r"[0-9a-fv.+-]{1,20}([a-z]{1,8}[0-9]?)?", fullmatch=True))
def test_what_comes_through_is_made_of_numbers_commits_and_known_words(version: str) -> None:
    shown = public_version(version)
    if shown is None:
        return
    assert version.startswith(shown)
    assert re.fullmatch(r"[0-9A-Za-z.+-]+", shown)
    for part in re.split(r"[.+-]", shown):
        commit = re.fullmatch(r"g?[0-9a-f]{7,40}", part, re.IGNORECASE) and re.search(r"\d", part)
        assert commit or set(re.findall(r"[a-z]+", part.lower())) <= WORDS
