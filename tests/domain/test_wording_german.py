"""The German rules, by sentences that break them and sentences that only look as if they did."""

import pytest

from tests.domain.wording_samples import LINTER
from trusthub.domain.roles import Roles
from trusthub.domain.wording.house import ROLES, ROUTES, House
from trusthub.errors import PlaybookError

SAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "A01": (
        ["Die Suche ist langsam.", "Die Suche läuft wieder. Danke für Ihre Geduld."],
        [
            "Es tut uns leid, dass die Suche langsam war.",
            "Wir bitten um Entschuldigung für den Ausfall.",
            "Das war unser Fehler.",
            "Wir bedauern den Ausfall der Suche.",
        ],
    ),
    "A02": (
        [
            "Wir entschuldigen uns für etwaige Unannehmlichkeiten.",
            "Falls Sie betroffen waren, tut es uns leid.",
            "Sollten Ihnen Nachteile entstanden sein, bitten wir um Entschuldigung.",
            "Wir bedauern mögliche Verzögerungen.",
            "Es tut uns leid, wenn Sie warten mussten.",
        ],
        [
            "Es tut uns leid, dass Sie warten mussten.",
            "Es tut uns leid, dass die Suche ausfiel; falls sie noch ausfällt, schreiben Sie uns.",
        ],
    ),
    "A03": (
        ["Wir bitten, etwaige Unannehmlichkeiten zu entschuldigen.", "Verzeihung für jegliche Unannehmlichkeiten."],
        ["Es tut uns leid, dass Sie alles zweimal eingeben mussten."],
    ),
    "A04": (
        ["Wir entschuldigen uns für die Unannehmlichkeiten.", "Wir bitten um Nachsicht für die Umstände."],
        ["Wir entschuldigen uns für elf verlorene Buchungen."],
    ),
    "A05": (
        ["Es tut uns leid, aber unser Anbieter fiel aus.", "Wir entschuldigen uns, jedoch war das selten."],
        ["Es tut uns leid. Unser Anbieter fiel aus."],
    ),
    "A06": (
        ["Wir entschuldigen uns für die Verwirrung.", "Es tut uns leid, dass Sie enttäuscht sind."],
        ["Es tut uns leid, dass wir einen falschen Tag nannten."],
    ),
    "A07": (
        ["Der Verlust ist bedauerlich.", "Es wird um Verständnis gebeten."],
        ["Wir bedauern den Verlust der Entwürfe."],
    ),
    "A08": (
        ["Wir entschuldigen uns.", "Wir entschuldigen uns und arbeiten daran."],
        ["Wir entschuldigen uns für den Ausfall.", "Die Suche war gestört. Wir entschuldigen uns."],
    ),
    "A09": (
        ["Vielen Dank für Ihre Geduld.", "Wir bitten um Ihr Verständnis."],
        ["Es tut uns leid, dass es dauerte. Danke für Ihre Geduld."],
    ),
    "A10": (
        ["Wir freuen uns, dass die Suche wieder läuft.", "Gute Nachrichten: die Suche läuft."],
        ["Die Suche läuft seit 10:20 UTC wieder."],
    ),
    "R01": (
        ["Die Ursache war ein fehlerhafter Index."],
        [
            "Wir haben den Index ohne Test geändert.",
            "Ein Fehler in unserem Import war schuld.",
            "Unsere Version 7.1 war schuld.",
        ],
    ),
    "R02": (
        [
            "Es wurden Fehler gemacht.",
            "Es kam zu Störungen bei der Suche.",
            "Eine falsche Einstellung wurde eingespielt.",
        ],
        ["Wir haben eine falsche Einstellung eingespielt.", "Es wurden keine Daten gelöscht."],
    ),
    "R03": (
        [
            "Der Ausfall wurde durch unseren Cloud-Anbieter verursacht.",
            "Das lag außerhalb unserer Kontrolle.",
            "Wegen höherer Gewalt fiel die Suche aus.",
        ],
        ["Der Ausfall wurde durch unseren Anbieter ausgelöst. Wir hatten keinen Ersatz, und das liegt an uns."],
    ),
    "R04": (
        ["Der Grund war ein Bedienfehler.", "Sie fiel aus, weil Kunden ihre Grenzen überschritten."],
        ["Wir hatten die Grenze zu niedrig gesetzt."],
    ),
    "R06": (
        ["Die Ursache ist vermutlich der Cache.", "Wahrscheinlich liegt es am Netz."],
        ["Die Ursache kennen wir noch nicht.", "Die Ursache ist die Version 7.1, das ist bestätigt."],
    ),
    "R07": (
        ["Es war menschliches Versagen.", "Ein Techniker hat versehentlich das Kabel getrennt."],
        ["Uns fehlte eine Prüfung vor der Trennung."],
    ),
    "I01": (
        ["Wir untersuchen das Problem.", "Die Störung ist behoben."],
        [
            "Die Suche ist für Schulen in Asien langsam.",
            "Rechnungen können wieder erstellt werden.",
            "Es gibt Probleme beim Anmelden.",
        ],
    ),
    "I02": (
        ["Einige Schulen können nicht buchen."],
        [
            "31 von 400 Schulen können nicht buchen.",
            "Wir wissen noch nicht, wie viele es sind.",
            "Alle Schulen können wieder buchen.",
        ],
    ),
    "I03": (
        ["Die Suche ist seit Längerem gestört.", "Die Suche fiel um 09:12 aus."],
        ["Die Suche ist seit 09:12 UTC gestört.", "Die Suche fiel um 11:12 Uhr MESZ aus."],
    ),
    "I04": (
        [
            "Eine kleine Anzahl von Schulen ist betroffen.",
            "Es gab eine kurze Störung.",
            "Nur wenige Konten waren gestört.",
        ],
        ["Eine kleine Anzahl von Schulen (3 von 400) ist betroffen.", "Nur die Suche ist gestört."],
    ),
    "I05": (
        ["Nachrichten könnten verloren worden sein."],
        ["312 Nachrichten gingen verloren."],
    ),
    "I06": (
        ["Wir untersuchen das Problem.", "Die Störung ist behoben.", "Wir arbeiten an einer Lösung."],
        ["Wir untersuchen, warum Buchungen fehlschlagen."],
    ),
    "I07": (
        ["Die Suche funktioniert seit 10:10 UTC wieder."],
        ["Die Suche funktioniert wieder. Es gingen keine Daten verloren."],
    ),
    "T01": (
        ["Die Suche ist gestört.", "Wir melden uns wieder."],
        [
            "Nächste Meldung bis 10:30 UTC.",
            "Wir melden uns innerhalb von 20 Minuten.",
            "Um 11:00 Uhr MEZ schreiben wir wieder.",
        ],
    ),
    "T02": (
        [
            "Die Suche läuft in Kürze wieder.",
            "Wir melden uns, sobald wir mehr wissen.",
            "Wir halten Sie auf dem Laufenden.",
            "Wir arbeiten so schnell wie möglich.",
            "Weitere Informationen folgen.",
            "Das Problem wird schnellstmöglich behoben.",
        ],
        ["Wir melden uns bis 10:30 UTC.", "Sobald wir es bemerkten, haben wir die Version gestoppt."],
    ),
    "T03": (
        ["Der Fehler wird bis 11:00 UTC behoben."],
        ["Wir rechnen zwischen 10:30 und 11:00 UTC damit."],
    ),
    "T04": (
        ["Die Suche fiel gestern aus.", "Der Bericht kommt am Freitag."],
        ["Die Suche fiel am 2. Mai 2026 aus.", "Der Bericht kommt am Freitag, den 8. Mai 2026."],
    ),
    "T05": (
        ["Die Suche fiel um 09:12 Uhr aus.", "Um 9 Uhr fiel sie aus."],
        ["Die Suche fiel um 09:12 Uhr MESZ aus."],
    ),
    "T06": (
        ["Wir werden unsere Prüfungen verbessern."],
        ["Wir werden die Prüfungen bis zum 1. Juni 2026 verbessern."],
    ),
    "C01": (
        ["Das wird nie wieder passieren.", "Wir garantieren das.", "Erwarten Sie 100 % Verfügbarkeit."],
        ["Eine Prüfung hält solche Versionen jetzt auf.", "Wir können keine Zeit garantieren."],
    ),
    "C02": (["Die Suche ist gestört."], ["Sie müssen nichts tun.", "Bis dahin geht es per Telefon."]),
    "C03": (["Die Suche läuft wieder."], ["Antworten Sie auf diese Mail.", "Schreiben Sie uns."]),
    "C04": (
        ["Wir kennen den Grund.", "Es tut uns leid."],
        ["Wir gehen auf Version 7.0 zurück.", "Der Fehler ist behoben."],
    ),
    "L01": (["Der Host mail-prod-07 steht.", "10.1.2.3 antwortet nicht."], ["Version 10.1.2 ist da."]),
    "L02": (
        ["Schreiben Sie an ana.silva@schule.example.", "passwort=geheim123"],
        ["Schreiben Sie an support@acme.example.", "Wir haben alle Passwörter ersetzt."],
    ),
    "L03": (
        ["Hallo {{ name }}.", "Nächste Meldung um [UHRZEIT].", "Es tut uns leid, dass {was nicht ging}."],
        ["Hallo Ana."],
    ),
    "L04": (["DIE SUCHE GEHT NICHT."], ["Alle Zeiten sind UTC."]),
    "L05": (["Die Suche läuft!", "Hoppla, da ging etwas schief."], ["Die Suche läuft."]),
    "L06": (
        ["[resolved] Wir untersuchen den Ausfall.", "[investigating] Die Störung ist behoben."],
        ["[resolved] Die Suche läuft seit 10:10 UTC wieder."],
    ),
    "L07": (
        [
            (
                "Die Version, die wir mehrere Wochen lang vorbereitet hatten, änderte die Art, in der Räume "
                "gefunden werden, und ließ, "
                "weil niemand sie mit mehr als hundert Räumen versucht hatte, die Suche für große Schulen ausfallen."
            )
        ],
        ["Die Version änderte, wie Räume gefunden werden."],
    ),
}


def broken(text: str) -> list[str]:
    return [finding.rule for finding in LINTER.check(text, locale="de").findings]


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, (bad, _) in SAMPLES.items() for text in bad])
def test_a_rule_finds_what_breaks_it(rule: str, text: str) -> None:
    assert rule in broken(text)


@pytest.mark.parametrize(("rule", "text"), [(rule, text) for rule, (_, good) in SAMPLES.items() for text in good])
def test_a_rule_leaves_alone_what_only_looks_alike(rule: str, text: str) -> None:
    assert rule not in broken(text)


def test_german_has_every_rule_that_english_has() -> None:
    english, german = LINTER.books["en"].by_id, LINTER.books["de"].by_id
    assert SAMPLES.keys() == german.keys() == english.keys()
    assert {(rule.id, rule.name, rule.severity) for rule in german.values()} == {
        (rule.id, rule.name, rule.severity) for rule in english.values()
    }


def test_the_roles_of_the_house_are_those_of_the_site() -> None:
    assert {*ROLES, *ROUTES} == set(Roles.model_fields)
    with pytest.raises(PlaybookError, match=r"words\.breach\.role: 'lawyer' is unknown\. Write one of legal, finance"):
        House.parse({"words": {"breach": {"role": "lawyer", "why": "", "forms": {}}}})


def test_house_words_are_known_in_german() -> None:
    verdict = LINTER.check("Ein Angriff war die Ursache. Sie erhalten eine Gutschrift.", locale="de")
    assert {each.role for each in verdict.signatures} == {"legal", "finance"}
