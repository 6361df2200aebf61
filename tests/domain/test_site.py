"""The site as its owner wrote it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from trusthub.domain.destination import Destination
from trusthub.domain.message import Audience
from trusthub.domain.page import Ledger
from trusthub.domain.site import Component, Connection, Publishing, Routing, Site

PAGE = {"name": "Acme", "url": "https://status.acme.example"}
COMPONENTS: list[dict[str, Any]] = [
    {"id": "checkout", "name": "Checkout", "watches": ["acme/checkout", "checkout"]},
    {"id": "search", "name": "Search", "watches": ["shop/search"]},
]


def component(**keys: Any) -> Component:
    return Component.model_validate({"id": "checkout", "name": "Checkout", **keys})


def site(**keys: Any) -> Site:
    return Site.model_validate({"page": PAGE, "components": COMPONENTS, "audiences": {}, **keys})


def problems(error: pytest.ExceptionInfo[ValidationError]) -> list[tuple[str, str]]:
    """Return where and what is wrong."""
    return [(".".join(map(str, each["loc"])), each["msg"]) for each in error.value.errors()]


def test_a_small_site_has_calm_defaults() -> None:
    made = site()
    assert made.environments.public == ("production", "prod")
    assert (made.publishing, made.page.time_zone, made.page.support) == (Publishing.AUTO, "UTC", None)
    assert made.components[0].routing is Routing.REQUESTS
    assert made.page.promises is Ledger.PUBLIC
    assert made.connections == {}
    assert site(page={**PAGE, "time_zone": "Europe/Berlin"}).page.time_zone == "Europe/Berlin"


# ------------------------------------------------------------------------------------------------ components


@pytest.mark.parametrize(
    ("metrics", "noticed"),
    [
        (["error-rate"], "failed"),
        (["latency"], "were slow"),
        (["errors", "error-rate"], "failed"),
        (["error-rate", "latency"], None),
        (["error-rate", "saturation"], None),
        (["saturation"], None),
        ([], None),
    ],
    ids=str,
)
def test_what_customers_notice_is_said_when_all_that_failed_means_one_thing(
    metrics: list[str], noticed: str | None
) -> None:
    symptoms = {"error-rate": "failed", "errors": "failed", "latency": "was slow"}
    assert component(symptoms=symptoms).symptom(metrics, "en") == noticed


def test_only_english_words_are_put_into_the_plural() -> None:
    assert component(symptoms={"latency": "was slow"}).symptom(["latency"], "en") == "were slow"
    assert component(symptoms={"latency": "was traag"}).symptom(["latency"], "nl") == "was traag"


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"task": "to pay"}, "does not complete `the requests to ...`"),
        ({"task": "pay. Twice"}, "does not complete `the requests to ...`"),
        ({"task": ""}, "does not complete `the requests to ...`"),
        ({"symptoms": {"latency": "was slow!"}}, "does not complete `a request ...`"),
    ],
)
def test_words_that_fit_no_sentence_are_refused(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        component(**keys)


@pytest.mark.parametrize(
    ("names", "component"),
    [
        (("acme/checkout",), "checkout"),
        (("checkout",), "checkout"),
        (("search",), "search"),  # its id is a name as well
        (("shop/search", "checkout"), "search"),  # the most specific name comes first
        (("acme/other", "shop/search"), "search"),
        (("Checkout",), None),
        (("acme",), None),
        (("",), None),
        ((), None),
    ],
)
def test_a_component_is_found_by_the_first_name_that_one_watches(names: tuple[str, ...], component: str | None) -> None:
    found = site().component(names)
    assert (found.id if found else None) == component


@pytest.mark.parametrize(
    ("components", "where", "owner"),
    [
        ([*COMPONENTS, {"id": "checkout", "name": "Again"}], "components.2.id", "checkout"),
        (
            [*COMPONENTS, {"id": "pay", "name": "Pay", "watches": ["pay", "checkout"]}],
            "components.2.watches.1",
            "checkout",
        ),
        ([*COMPONENTS, {"id": "pay", "name": "Pay", "watches": ["search"]}], "components.2.watches.0", "search"),
        ([*COMPONENTS, {"id": "acme/checkout", "name": "Pay"}], "components.2.id", None),
    ],
)
def test_a_name_belongs_to_one_component(components: list[dict[str, Any]], where: str, owner: str | None) -> None:
    with pytest.raises(ValidationError) as error:
        site(components=components)
    ((place, message),) = problems(error)
    assert place == where
    assert owner is None or message.endswith(
        f"is a name of component {owner!r} already. A name belongs to one component"
    )


def test_a_component_may_watch_a_name_twice_and_its_own_id() -> None:
    twice = {"id": "pay", "name": "Pay", "watches": ["pay", "shop/pay", "shop/pay"]}
    assert site(components=[twice]).component(("shop/pay",))


# ------------------------------------------------------------------------------------------------ environments


@pytest.mark.parametrize(
    ("payload", "connection", "namespace", "environment"),
    [
        ("staging", "production", "payments", "staging"),
        (None, "staging", "payments", "staging"),
        (None, None, "payments", "production"),
        (None, None, "prod", "prod"),  # a namespace that is called like a public environment
        (None, None, "kube-system", None),
        (None, None, "", None),
        (None, None, None, None),
        ("", "", "payments", "production"),
    ],
)
def test_the_environment_is_the_payloads_else_the_connections_else_a_listed_namespaces(
    payload: str | None, connection: str | None, namespace: str | None, environment: str | None
) -> None:
    made = site(environments={"public": ["production", "prod"], "namespaces": {"payments": "production"}})
    assert made.environment(payload=payload, connection=connection, namespace=namespace) == environment


@given(st.text(max_size=20))
def test_a_namespace_that_nobody_listed_is_no_environment(namespace: str) -> None:
    made = site(environments={"public": ["production"], "namespaces": {"payments": "production"}})
    found = made.environment(payload=None, connection=None, namespace=namespace)
    assert found == ("production" if namespace in {"production", "payments"} else None)


# ------------------------------------------------------------------------------------------------ destinations


@pytest.mark.parametrize(
    ("where", "lane"),
    [
        ({"slack": "#releases"}, "slack:#releases"),
        ({"email": "releases@acme.example"}, "email:releases@acme.example"),
        ({"page": True}, "page:main"),
        ({"sandbox": "demo"}, "sandbox:demo"),
        ({"webhook": "https://a.example/t0ken", "name": "acme"}, "webhook:acme"),
        ({"webhook": "https://a.example:8443/t0ken"}, "webhook:a.example-802756fb958e"),
        ({"apprise": "discord://1/t0ken"}, "apprise:discord-81b0c3127382"),
    ],
)
def test_a_destination_has_one_lane(where: dict[str, Any], lane: str) -> None:
    assert Destination.model_validate(where).lane == lane


@pytest.mark.parametrize(
    "where",
    [{}, {"slack": "#a", "email": "a@b.example"}, {"slack": ""}, {"page": False}, {"email": "a b"}, {"pager": "1"}],
)
def test_anything_else_is_no_destination(where: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        site(audiences={"stakeholders": [where]})


WEBHOOK = {"webhook": "https://a.example/t0ken"}
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    "where",
    [
        {"webhook": "a.example"},
        {"webhook": "ftp://a.example/"},
        {"webhook": "https://user:t0ken@a.example/"},
        {"webhook": "https://a.example\\@b.example/"},
        {"apprise": "t0ken"},
        {"name": "acme"},
        {"slack": "#a", "name": "acme"},
        {"slack": "#a", "secret": KEY},
        {"apprise": "discord://1/2", "secret": KEY},
        {**WEBHOOK, "name": "a:b"},
        {**WEBHOOK, "secret": "t0ken"},
        {**WEBHOOK, "secret": "whsec_t0ken"},
        {**WEBHOOK, "secret": KEY.removeprefix("whsec_")},
        {**WEBHOOK, "secret": "whsec_" + "t0ken!" * 8},
        {**WEBHOOK, "secret": [KEY, KEY, KEY]},
    ],
    ids=str,
)
def test_a_webhook_that_cannot_work_is_refused_and_not_quoted(where: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        site(audiences={"stakeholders": [where]})
    assert "t0ken" not in str(problems(error))


def test_a_destination_hides_its_address_and_its_secret() -> None:
    shown = repr(Destination.model_validate({**WEBHOOK, "secret": KEY})) + repr(Destination(apprise="discord://t0ken"))
    assert "t0ken" not in shown
    assert KEY not in shown


def test_one_place_may_hear_as_two_audiences_and_one_name_is_one_place() -> None:
    twice = {"stakeholders": [{**WEBHOOK, "name": "acme"}], "support": [{**WEBHOOK, "name": "acme"}]}
    assert list(site(audiences=twice).destinations) == ["webhook:acme"]
    twice["support"][0]["webhook"] = "https://b.example/"
    with pytest.raises(ValidationError, match="'acme' is the name of a destination that is not the same"):
        site(audiences=twice)


def test_audiences_are_the_three_that_are_known() -> None:
    made = site(audiences={"customers": [{"page": True}], "support": []})
    assert made.audiences[Audience.CUSTOMERS] == (Destination(page=True),)
    with pytest.raises(ValidationError):
        site(audiences={"managers": []})


# ------------------------------------------------------------------------------------------------ the rest


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            {"url": "status.acme.example"},
            "'status.acme.example' is not the address of a page. Write https:// and a host",
        ),
        ({"url": "https://"}, "'https://' is not the address of a page. Write https:// and a host"),
        ({"url": "https://a b"}, "'https://a b' is not the address of a page. Write https:// and a host"),
        ({"time_zone": "Berlin"}, "'Berlin' is not a time zone. Write an IANA name such as Europe/Berlin"),
        ({"time_zone": "../etc"}, "'../etc' is not a time zone. Write an IANA name such as Europe/Berlin"),
        ({"time_zone": ""}, "'' is not a time zone. Write an IANA name such as Europe/Berlin"),
        ({"support": "help"}, "'help' is not an email address. Write name@example.com"),
    ],
)
def test_a_page_can_be_reached(page: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError) as error:
        site(page={**PAGE, **page})
    ((_, message),) = problems(error)
    assert message == f"Value error, {reason}"


def test_the_address_of_the_page_has_no_slash_at_its_end() -> None:
    assert site(page={**PAGE, "url": "https://acme.example/status/"}).page.url == "https://acme.example/status"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "ä", ".", "a?b"])
def test_a_connection_has_a_name_that_fits_into_an_address(name: str) -> None:
    with pytest.raises(ValidationError) as error:
        site(connections={name: {"source": "github"}})
    reason = f"Value error, {name!r} is a part of the address /hooks/<name>. Write letters, digits, dots, - and _"
    assert [message for _, message in problems(error)] == [reason]


def test_a_secret_is_not_shown() -> None:
    made = site(connections={"argo-prod": {"source": "argo-rollouts", "secret": "hunter2"}})
    assert made.connections["argo-prod"] == Connection(source="argo-rollouts", secret="hunter2")
    assert "hunter2" not in repr(made)
