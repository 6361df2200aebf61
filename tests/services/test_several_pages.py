"""What can be wrong with `pages:` in site.yaml is said at start, with its line and what to write instead."""

from pathlib import Path

import pytest

from tests.e2e.test_pages import PAGES, site
from trusthub.errors import PlaybookError
from trusthub.services.site import load
from trusthub.settings import Settings, packaged


def found(folder: Path, pages: str, **more: str) -> str:
    settings = {"site": site(folder, pages), "playbooks_dir": packaged("playbooks"), "secret_key": "x", **more}
    with pytest.raises(PlaybookError) as raised:
        load(Settings.model_validate(settings))
    return str(raised.value).removeprefix(f"{folder}/")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "host: zauberwort.acme.example",
            "host: status.acme.example",
            "site.yaml:12: pages.inside.host: 'status.acme.example' is the host of page 'main' already. Give each page",
        ),
        (
            "components: [checkout, search]",
            "components: [checkout]",
            "site.yaml:22: components[1].id: 'search' is on no page. Name it under the components of one.",
        ),
        (
            "components: [checkout, search]",
            "components: [checkot, search]",
            "site.yaml:9: pages.main.components[0]: there is no component 'checkot'. Did you mean 'checkout'?",
        ),
        (
            "    components: [checkout, search]\n",
            "",
            "site.yaml:3: pages.main.components: is missing. Name the components that this page shows, by their ids.",
        ),
        (
            "sender: Zauberwort <news@zauberwort.acme.example>",
            "sender: Zauberwort",
            "site.yaml:15: pages.inside.sender: 'Zauberwort' is no sender. Write: Acme status <status@acme.example>.",
        ),
        (
            "access: link",
            "access: oidc",
            "site.yaml:13: pages.inside.access: nobody could sign in. Set TRUSTHUB_OIDC_ISSUER, or write link.",
        ),
        ("access: link", "access: lnk", "site.yaml:13: pages.inside.access: 'lnk' is unknown. Did you mean 'link'?"),
        (
            "    zone: Europe/Berlin",
            "    acess: link",
            "site.yaml:6: pages.main.acess: this key is unknown. Did you mean 'access'?",
        ),
        (
            "    zone: Europe/Berlin",
            "    access: link",
            "site.yaml:6: pages.main.access: the first page is read at the hub's own address. Put one there that",
        ),
        (
            "locales: [en, de]",
            "locales: [en, de, dd]",
            "site.yaml:14: pages.inside.locales.2: there is no language 'dd' in",
        ),
        ("pages:\n", "page: {name: A, url: https://a.example}\npages:\n", "site.yaml:3: pages: stands beside `page`."),
    ],
    ids=lambda value: value[:40],
)
def test_a_mistake_in_pages(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PAGES
    assert message in found(tmp_path, PAGES.replace(old, new, 1))


def test_a_closed_page_is_not_at_the_hubs_own_address(tmp_path: Path) -> None:
    said = found(tmp_path, PAGES, base_url="https://zauberwort.acme.example")
    assert "pages.inside.host: the hub itself is at 'zauberwort.acme.example'." in said
