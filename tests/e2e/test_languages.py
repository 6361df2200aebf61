"""Each reader gets the page's languages as far as they can: their own language, their own time zone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col

from tests.e2e.house import House, house, site_with
from tests.e2e.test_feedback import link, thread_id
from tests.e2e.test_promises import went_back
from tests.e2e.test_publicity import canary, rolled_back
from tests.providers import sendgrid
from tests.services.test_mailing import join, many
from trusthub.settings import packaged
from trusthub.store.tables import UpdateText


@contextmanager
def speaking(folder: Path, locales: str, *, words: str = "", **settings: Path) -> Iterator[House]:
    """Build a hub whose page speaks some languages, with Checkout's own words."""
    site = site_with(folder)
    text = site.read_text(encoding="utf-8")
    text = text.replace("    group: Payments\n", f"    group: Payments\n{words}", 1)
    site.write_text(text.replace("  name: Acme\n", f"  name: Acme\n  locales: {locales}\n", 1), encoding="utf-8")
    books = packaged("playbooks")
    with house(f"sqlite:///{folder}/hub.db", folder, site=site, playbooks_dir=books, **settings) as made:
        yield made


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[House]:
    with speaking(tmp_path, "[en, de]") as made:
        yield made


def mails(hub: House) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for body in hub.sendgrid.messages:
        for mail in sendgrid.read(body) if many(body) else ():
            found.setdefault(mail["to"], []).append(mail)
    return found


def texts(hub: House, locale: str) -> list[str]:
    with hub.parts.hub.database.reading() as session:
        mine = select(col(UpdateText.body)).where(col(UpdateText.locale) == locale)
        return list(session.execute(mine.order_by(col(UpdateText.update_id))).scalars())


def test_subscribers_get_their_own_language_and_time_zone(hub: House) -> None:
    join(hub, "ana@customer.example", locale="de-AT", zone="Europe/Vienna")
    join(hub, "ben@customer.example", locale="en", zone="Asia/Kolkata")
    join(hub, "cleo@customer.example", locale="fr", zone="UTC")
    canary(hub)
    rolled_back(hub)
    found = {to: (mail["subject"], mail["text/plain"]) for to, (mail, *_) in mails(hub).items()}
    ana, ben, cleo = (found[f"{name}@customer.example"] for name in ("ana", "ben", "cleo"))
    assert ana[0] == "Checkout funktioniert nicht, wie es sollte; wir nehmen 2.8.0 zurück"
    assert "Das tut uns leid." in ana[1]
    assert " Uhr MEZ" in ana[1]
    assert "UTC" not in ana[1]
    assert "weil Sie Nachrichten über Acme abonniert haben" in ana[1]
    assert " UTC+05:30" in ben[1]
    assert "because you subscribed to news about Acme" in ben[1]
    assert cleo[0] == "Checkout: not working as it should, we are rolling back 2.8.0"  # the page's own language


def test_a_persons_words_are_marked_where_they_are_not_translated(hub: House) -> None:
    join(hub, "ana@customer.example", locale="de", zone="UTC")
    canary(hub)
    rolled_back(hub)
    hub.sign_in()
    form = f"/console/incidents/{hub.incident()}"
    hub.console(f"{form}/update", form, note="Cards work again.", state="identified")
    english, german = texts(hub, "en")[-1], texts(hub, "de")[-1]
    assert english.startswith("Cards work again.")
    assert german.startswith("*Noch nicht übersetzt:*\n\n::: en\n\nCards work again.\n\n:::\n\n")
    mail = mails(hub)["ana@customer.example"][-1]
    assert re.search(r'<div lang="en">\s*<p[^>]*>Cards work again\.</p>\s*</div>', mail["text/html"])
    assert ":::" not in mail["text/plain"]
    note = {"note": "All cards work.", "note_de": "Alle Karten gehen."}
    hub.console(f"{form}/update", form, state="identified", **note)
    assert texts(hub, "en")[-1].startswith("All cards work.")
    assert texts(hub, "de")[-1].startswith("Alle Karten gehen.")


def test_a_conversation_keeps_the_language_that_it_was_opened_in(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    page = hub.answer(incident, words="Ich kann nicht bezahlen.", email="ana@customer.example", locale="de")
    (opened,) = [mail for body in hub.sendgrid.messages for mail in sendgrid.read(body) if mail["to"].startswith("ana")]
    assert opened["subject"] == "Checkout: wir haben Ihre Nachricht"
    assert "weil Sie uns zu Checkout geschrieben haben" in opened["text/plain"]
    hub.sign_in()
    path = f"/console/threads/{thread_id(hub)}"
    hub.console(f"{path}/reply", path, words="Sie haben nicht bezahlt.")
    (replied,) = sendgrid.read(hub.sendgrid.messages[-1])
    assert replied["subject"] == "Checkout: Mira hat Ihnen geantwortet"
    hub.console(f"/console/incidents/{incident}/resolve", f"/console/incidents/{incident}", note="")
    assert "Ist es bei Ihnen behoben?" in hub.web.get(link(page.text)).text


def test_people_who_work_here_read_the_first_language(tmp_path: Path) -> None:
    with speaking(tmp_path, "[de, en]") as made:
        canary(made)
        heard = rolled_back(made)
        assert "Wir gehen mit *Checkout* in production von 2.8.0 auf 2.7.4 zurück." in heard
        assert "2 bis 10 Minuten" in heard or "Minuten" in heard
        assert made.summary()["incidents"][0]["name"] == "Checkout: ein Problem mit 2.8.0"


def test_the_page_is_there_in_each_language_at_an_address_of_its_own(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    english, german = hub.page("/"), hub.page("/de/")
    assert '<html lang="en">' in english
    assert '<html lang="de">' in german
    assert "Checkout funktioniert nicht, wie es sollte" in german
    assert "Checkout: ein Problem mit 2.8.0" in german
    assert "Alle Zeiten sind UTC." in german
    for page in (english, german):
        assert re.search(r'hreflang="de"\s+href="https://status.acme.example/de/"', page)
        assert re.search(r'hreflang="en"\s+href="https://status.acme.example/"', page)
    own = hub.page(f"/de/incidents/{incident}")
    assert f'href="https://status.acme.example/de/incidents/{incident}"' in own
    assert '<input type="hidden" name="locale" value="de">' in own
    assert "Das tut uns leid." in own
    assert "Sagen Sie uns, was Sie sehen" in own


def test_the_ledger_is_there_in_each_language_and_its_document_once(hub: House) -> None:
    canary(hub)
    rolled_back(hub)
    incident = hub.incident()
    overview, month = hub.page("/de/promises"), hub.page("/de/promises/2026-03")
    for page, path in ((overview, "promises"), (month, "promises/2026-03")):
        assert '<html lang="de">' in page
        assert f'<link rel="canonical" href="https://status.acme.example/de/{path}">' in page
        assert re.search(rf'hreflang="en"\s+href="https://status.acme.example/{path}"', page)
        assert f'href="https://status.acme.example/de/incidents/{incident}"' in page
        assert "Checkout: ein Problem mit 2.8.0" in page
        assert "2 Versprechen: 0 gehalten, 0 nicht gehalten, 2 noch nicht fällig." in page
    assert 'href="https://status.acme.example/de/promises/2026-03"' in overview
    assert '<time datetime="2026-03">März 2026</time>' in overview
    assert 'href="https://status.acme.example/de/promises"' in hub.page("/de/")
    assert hub.web.get("/de/promises.json").status_code == 404
    assert "Checkout: a problem with 2.8.0" in hub.page("/promises.json")


def test_why_we_believe_a_time_is_said_in_each_language(hub: House) -> None:
    for version in ("2.5.0", "2.6.0", "2.7.0"):
        went_back(hub, version, 4)
    canary(hub)
    rolled_back(hub)
    path = f"incidents/{hub.incident()}"
    assert ", because the last 3 rollbacks of Checkout took 4 minutes." in hub.page(f"/{path}")
    assert ", Grund: die letzten 3 Rücknahmen bei Checkout haben 4 Minuten gedauert." in hub.page(f"/de/{path}")
    assert "Der Grund für diese Zeit: die letzten 3 Rücknahmen" in texts(hub, "de")[-1]


def test_words_of_site_yaml_are_in_the_pages_own_language(tmp_path: Path) -> None:
    words = "    task: eine Bestellung bezahlen\n    symptoms: {latency: waren langsam}\n"
    with speaking(tmp_path, "[de, en]", words=words) as made:
        canary(made)
        rolled_back(made, metrics=["latency"])
        german, english = (" ".join(texts(made, code)[-1].split()) for code in ("de", "en"))
    assert "Anfragen, mit denen Kunden eine Bestellung bezahlen," in german
    assert ". Manche davon waren langsam; wir wissen noch nicht, wie viele." in german
    assert "Up to 5 % of Checkout requests have reached 2.8.0" in english
    assert "; we do not know yet how many failed." in english


@pytest.mark.parametrize(
    ("path", "wants", "answered"),
    [
        ("/", "de-AT,de;q=0.9,en;q=0.5", "/de/"),
        ("/", "fr,de;q=0.5", "/de/"),
        ("/", "en-GB,en;q=0.9,de;q=0.5", None),
        ("/", "fr", None),
        ("/", "", None),
        ("/?lang=de", "en", "/de/"),
        ("/?lang=en", "de", None),
        ("/de/", "en", None),
        ("/de", "en", "/de/"),
        ("/promises", "de", "/de/promises"),
        ("/promises", "en", None),
        ("/promises.json", "de", None),
    ],
)
def test_a_reader_is_led_to_their_language_unless_they_chose_one(
    hub: House, path: str, wants: str, answered: str | None
) -> None:
    answer = hub.web.get(path, headers={"Accept-Language": wants})
    assert answer.headers.get("Location") == answered
    assert answer.status_code == (302 if answered else 200)
    assert "Accept-Language" in answer.headers["Vary"] or path == "/de" or path.endswith(".json")


def test_words_of_before_a_language_came_are_marked_on_its_pages(tmp_path: Path) -> None:
    with speaking(tmp_path, "[en]") as made:
        canary(made)
        rolled_back(made)
        incident = made.incident()
    with speaking(tmp_path, "[en, de]") as made:
        made.keep_house()
        page = made.page(f"/de/incidents/{incident}")
    assert "Noch nicht übersetzt:" in page
    assert '<div class="words" lang="en">' in page
    assert '<h1 lang="en">Checkout: a problem with 2.8.0</h1>' in page


def test_a_language_that_is_spoken_no_more_leaves_no_pages(tmp_path: Path) -> None:
    folder = tmp_path / "www"
    with speaking(tmp_path, "[en, de]", publish_dir=folder) as made:
        canary(made)
        rolled_back(made)
        incident = made.incident()
        assert made.web.get(f"/de/incidents/{incident}").status_code == 200
        assert (folder / "de" / "incidents" / incident / "index.html").is_file()
    (folder / "fr").mkdir()  # somebody else's
    with speaking(tmp_path, "[en]", publish_dir=folder) as made:
        for path in ("/de/", f"/de/incidents/{incident}", "/de/promises", "/de/history.rss"):
            assert made.web.get(path).status_code == 404, path
        assert made.web.get(f"/incidents/{incident}").status_code == 200
    assert not (folder / "de").exists()
    assert (folder / "incidents" / incident / "index.html").is_file()
    assert (folder / "fr").is_dir()
