"""Every page as a reader meets it: without scripts, on a phone, by keyboard, in the dark, on paper."""

import gzip
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree.ElementTree import Element

import html5lib
import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.samples import HUB, PAGES, STATUS, TOKEN, asset
from trusthub.rendering.templates import Templates
from trusthub.services.hub import Hub
from trusthub.web.console import LIVE
from trusthub.web.security import headers, policy

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "trusthub" / "web" / "static"
TEMPLATES = Templates(ROOT / "templates")
_HUB = cast("Hub", SimpleNamespace(base_url=HUB, front=HUB))
HEADERS = dict(headers(_HUB))
LIVE_HEADERS = {**HEADERS, "Content-Security-Policy": policy(_HUB, *LIVE)}
LIMIT = 15_000
"""Bytes of a page with its style sheets, compressed."""

CONTENT = {"p", "h1", "h2", "h3", "li", "dd", "td", "th", "label", "summary", "button", "figcaption", "small", "option"}
every_page = pytest.mark.parametrize("name", PAGES)

Open = Callable[..., Page]


def render(name: str) -> str:
    template, context = PAGES[name]
    return TEMPLATES.page(f"pages/{template}", **context)


def parse(name: str) -> Element:
    """Return the page's elements without their name space. Strict: the smallest mistake in the HTML is an error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return cast("Element", parser.parse(render(name)))


def loose(element: Element) -> str:
    """Return the text that stands in no `time`, no drawing and no message."""
    tag = str(element.tag).rpartition("}")[2]
    if tag in {"time", "svg", "figcaption", "head"} or element.get("class") == "words":
        return element.tail or ""
    return (element.text or "") + "".join(map(loose, element)) + (element.tail or "")


# ------------------------------------------------------------------------------------------ the HTML itself


@every_page
def test_the_structure_is_sound(name: str) -> None:
    tree = parse(name)
    tags = Counter(element.tag for element in tree.iter())
    assert (tags["h1"], tags["main"], tags["header"] >= 1, tags["title"]) == (1, 1, True, 1)

    levels = [int(str(element.tag)[1]) for element in tree.iter() if re.fullmatch("h[1-6]", str(element.tag))]
    skipped = [(one, two) for one, two in pairwise(levels) if two > one + 1]
    assert skipped == []

    ids = Counter(element.get("id") for element in tree.iter() if element.get("id"))
    assert [each for each, times in ids.items() if times > 1] == []
    named = {
        target
        for element in tree.iter()
        for attribute in ("aria-labelledby", "aria-describedby", "for")
        for target in element.get(attribute, "").split()
    }
    assert named - set(ids) == set()
    marks = {element.get("href", "") for element in tree.iter() if str(element.tag).endswith("use")}
    assert {mark.removeprefix("#") for mark in marks} <= set(ids)


@every_page
def test_every_field_has_a_label_and_every_form_a_place(name: str) -> None:
    tree = parse(name)
    labelled = {label.get("for") for label in tree.iter("label")}
    fields = [field for tag in ("input", "textarea", "select") for field in tree.iter(tag)]
    assert [
        field.get("name") for field in fields if field.get("type") != "hidden" and field.get("id") not in labelled
    ] == []
    for form in tree.iter("form"):
        action = form.get("action")
        if form.get("method") == "get":  # it asks and changes nothing
            assert name.startswith("console")
            continue
        assert form.get("method") == "post"
        assert action is None or action.startswith((HUB, "/console/"))
        if name.startswith("console"):
            assert [field.get("value") for field in form.iter("input") if field.get("name") == "csrf_token"] == ["c5rf"]


@every_page
def test_nothing_needs_a_script_or_an_inline_style(name: str) -> None:
    tree = parse(name)
    extra = {element.get("src") for element in tree.iter() if element.tag in {"script", "style", "iframe", "img"}}
    live = name.startswith(("console-incident", "console-deliver"))  # they say the same when they are loaded again
    typed = name.startswith(
        ("console-incident", "console-thread", "console-many", "console-open", "console-plan")
    )  # sending says the same
    allowed = {"/static/live.js", "/console/deliveries/9/html", "/console/deliveries/3/html"} if live else set[str]()
    allowed |= {"/static/words.js"} if typed else set()
    allowed |= {"/static/copy.js"} if name.startswith("console-incident") else set()
    allowed |= {"/static/keys.js"} if name.startswith("console-thread") else set()
    allowed |= {"/static/desk.js"} if name.startswith("console-thread-") or name == "console-thread" else set()
    allowed |= {"/static/zone.js"} if name.startswith("subscribe") else set()  # else people write their time zone
    assert extra <= (allowed | {"/static/bars.js"} if name.startswith("status") else allowed)
    inline = [key for element in tree.iter() for key in element.keys() if key == "style" or key.startswith("on")]  # noqa: SIM118 - an Element is no mapping
    assert inline == []


@every_page
def test_times_are_for_machines_too(name: str) -> None:
    tree = parse(name)
    times = list(tree.iter("time"))
    machine = re.compile(r"\d{4}-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}\+00:00)?)?")
    assert [time.get("datetime") for time in times if not machine.fullmatch(time.get("datetime", ""))] == []
    assert "console" in name or re.findall(r"\d\d:\d\d UTC", loose(tree)) == []


@every_page
def test_the_words_are_ours(name: str) -> None:
    text = "\n".join("".join(element.itertext()).strip() for element in parse(name).iter() if element.tag in CONTENT)
    assert re.findall(r"inconvenience|oops|sorry if|\w!|please be patient", text, flags=re.IGNORECASE) == []
    assert re.findall(r"\s[.,;:?](?:\s|$)", text) == []  # a space that a macro left before a full stop
    assert "None" not in text


@every_page
def test_a_page_is_light(name: str) -> None:
    sheets = re.findall(r'href="/static/([^"]+[.]css)"', html := render(name))
    assert sheets
    parts = [html.encode(), *map(asset, sheets)]
    assert sum(len(gzip.compress(part)) for part in parts) < LIMIT


@pytest.mark.parametrize(
    "name", [name for name in PAGES if not name.startswith(("status", "incident", "promises", "history"))]
)
def test_search_engines_and_other_sites_learn_nothing(name: str) -> None:
    meta = {element.get("name"): element.get("content") for element in parse(name).iter("meta")}
    # Their forms are held against where they come from, and a browser that tells no page tells no origin either.
    named = name.startswith(("console", "component", "affected")) or name in {"subscribe", "subscribe-follow"}
    told = "same-origin" if named else "no-referrer"
    assert (meta["robots"], meta["referrer"]) == ("noindex", told)


def test_public_pages_can_be_shared_and_followed() -> None:
    tree = parse("incident")
    meta = {element.get("property"): element.get("content") for element in tree.iter("meta")}
    links = {(element.get("rel"), element.get("href")) for element in tree.iter("link")}
    assert meta["og:title"] == "Identified: Checkout: we are going back from 2.8.0 to 2.7.4"
    assert (meta["og:description"] or "").startswith(
        "We sent Checkout requests to a faulty version, and we are sorry. What we"
    )
    assert ("canonical", f"{STATUS}/incidents/k3v9x0q2m7ab") in links
    assert ("alternate", "/history.atom") in links


# ------------------------------------------------------------------------------------------ in a browser


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open pages as the service serves them, with its headers, in a browser that runs no scripts."""
    seen: list[str] = []
    posted: list[Request] = []

    def open_page(name: str, *, width: int = 360, **options: Any) -> Page:
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": width, "height": 800}, locale="en-GB", **options
        )
        context.set_default_timeout(5_000)
        page = context.new_page()
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.route("**/*", lambda route, request: serve(name, route, request))
        page.goto(f"{STATUS}/")
        return page

    def serve(name: str, route: Route, request: Request) -> None:
        sent = LIVE_HEADERS if name.startswith("console-deliver") else HEADERS
        if request.method == "POST":
            posted.append(request)
            route.fulfill(body=request.post_data or "", content_type="text/plain")
        elif request.url == f"{STATUS}/":
            route.fulfill(body=render(name), content_type="text/html; charset=utf-8", headers=sent)
        elif request.url.endswith("/html"):
            route.fulfill(body="<p>We are sorry.</p>", content_type="text/html")
        elif request.url.startswith(f"{STATUS}/static/") and request.url.endswith(".css"):
            route.fulfill(body=asset(request.url.rpartition("/")[2]), content_type="text/css")
        else:
            seen.append(f"asked for {request.url}")
            route.abort()

    yield open_page
    for context in browser.contexts:
        context.close()
    assert seen == []


@every_page
def test_a_page_fits_a_small_phone(name: str, open_page: Open) -> None:
    page = open_page(name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")  # folded has no layout
    targets = page.locator("main :is(button, .button, summary, input:not([type=hidden], #website), select, textarea)")
    small = [
        box["height"] for box in (target.bounding_box() for target in targets.all()) if box and 0 < box["height"] < 24
    ]
    assert small == []


@pytest.mark.parametrize("name", ["status", "console-incident"])
def test_a_page_is_dark_in_the_dark(name: str, open_page: Open) -> None:
    light, dark = open_page(name), open_page(name, color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    assert (light.evaluate(colour), dark.evaluate(colour)) == ("rgb(255, 255, 255)", "rgb(20, 23, 27)")


def test_the_most_important_things_come_first(open_page: Open) -> None:
    page = open_page("status")
    places = [
        page.get_by_role("heading", level=1),
        page.get_by_role("heading", name="Checkout: we are going back"),
        page.get_by_text("Next update by 14:36 UTC").first,
        page.get_by_text("We sent Checkout requests to a faulty version").first,
        page.get_by_role("link", name="Tell us what you see").first,
        page.get_by_role("heading", name="Components"),
        page.get_by_role("heading", name="The last two weeks"),
    ]
    tops = [(place.bounding_box() or {"y": -1})["y"] for place in places]
    assert tops == sorted(tops)
    assert tops[2] < 800  # without scrolling, on a phone


def test_a_late_update_is_said(open_page: Open) -> None:
    page = open_page("incident-late")
    expect(page.get_by_text("Our update is late")).to_be_visible()
    expect(page.get_by_text("We said that we would write by 14:05 UTC, and we have not.")).to_be_visible()
    expect(page.get_by_text("An update by 14:05 UTC. Late.")).to_be_visible()


def test_promises_are_shown_as_they_ended(open_page: Open) -> None:
    lines = open_page("incident-resolved").locator(".ledger li").all_inner_texts()
    assert [" ".join(line.split()) for line in lines] == [
        "An update by 14:05 UTC. Missed.",
        "An update by 14:10 UTC. Kept at 14:06 UTC.",
        "Working again between 14:08 UTC and 14:16 UTC. Kept at 14:09 UTC.",
    ]


def test_the_exposure_can_be_seen_heard_and_read(open_page: Open) -> None:
    page = open_page("incident", width=700)
    heard = page.get_by_role("img", name="Share of requests on 2.8.0")
    expect(heard).to_have_accessible_name(
        "Share of requests on 2.8.0 1 % from 13:40 UTC; 5 % from 13:52 UTC; 25 % from 14:02 UTC; 0 % from 14:09 UTC."
    )
    boxes = [bar.bounding_box() for bar in page.locator(".curve rect").all()]
    heights = [round(box["height"]) for box in boxes if box]
    assert heights == sorted(heights)
    assert heights[-1] in range(30, 33)  # 25 % of 120 pixels, and half a stroke on each side
    page.get_by_text("The same as a table").click()
    assert page.get_by_role("row").all_inner_texts()[1].split("\t") == ["13:40 UTC on 22 November 2026", "1 %"]


def test_a_customer_answers_by_keyboard(open_page: Open) -> None:
    page = open_page("incident")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Tell us what you see")).to_be_focused()
    page.get_by_label("What did you try, and what happened?").focus()
    page.keyboard.type("I paid twice.")
    page.keyboard.press("Tab")
    expect(page.get_by_label("I cannot go on")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("I can go on, with trouble")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Ana")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your email address")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Send me every public update on this by email")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("I want this change rolled back")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")  # past the trap, which no keyboard reaches
    expect(page.get_by_role("button", name="Send")).to_be_focused()
    with page.expect_request(f"{HUB}/incidents/k3v9x0q2m7ab/threads") as sent:
        page.keyboard.press("Enter")
    assert sent.value.post_data == "words=I+paid+twice.&pain=painful&name=Ana&email=&rollback=yes&website="


@pytest.mark.parametrize("name", ["incident", "thread-closed"])
def test_nobody_meets_the_trap(name: str, open_page: Open) -> None:
    page = open_page(name)
    trap = page.locator("#website")
    box = trap.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] < 0
    assert trap.get_attribute("tabindex") == "-1"
    expect(page.get_by_role("textbox", name="Leave this empty")).to_have_count(0)


def test_a_customer_opens_a_closed_thread_again(open_page: Open) -> None:
    page = open_page("thread-closed")
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it fixed for you?")
    page.get_by_label("Your message").fill("No.")
    with page.expect_request(f"{HUB}/threads/{TOKEN}") as sent:
        page.get_by_role("button", name="Send").click()
    assert sent.value.post_data == "words=No.&website="


@pytest.mark.parametrize(
    ("name", "button", "address", "data"),
    [
        ("console-incident-not-told", "Tell customers", "n0tt0ldn0tt0/tell", "csrf_token=c5rf"),
        ("console-incident-not-told", "It was a precaution", "n0tt0ldn0tt0/precaution", "csrf_token=c5rf"),
        ("console-incident", "Resolve it", "k3v9x0q2m7ab/resolve", "csrf_token=c5rf&note="),
        ("console-incident", "Retract it", "k3v9x0q2m7ab/false-alarm", "csrf_token=c5rf"),
    ],
)
def test_staff_decide(name: str, button: str, address: str, data: str, open_page: Open) -> None:
    page = open_page(name, width=1280)
    for summary in page.locator("main .columns summary").all():
        summary.click()
    with page.expect_request(f"**/console/incidents/{address}") as sent:
        page.get_by_role("button", name=button).click()
    assert sent.value.post_data == data


@pytest.mark.parametrize(
    ("name", "button", "data"),
    [
        ("console-approval", "Approve", "press=approve"),
        ("console-approval", "Precaution", "press=precaution"),
        ("console-approval-held", "Not an incident", "reason=&press=false-alarm"),
    ],
)
def test_a_publisher_decides_on_a_phone(name: str, button: str, data: str, open_page: Open) -> None:
    page = open_page(name, width=390)
    with page.expect_request("**/console/approvals/qu3st10nqu3s") as sent:
        page.get_by_role("button", name=button, exact=True).click()
    assert (sent.value.method, sent.value.post_data) == ("POST", f"csrf_token=c5rf&digest=0123456789abcdef&{data}")


def test_who_is_no_publisher_reads_and_decides_nothing(open_page: Open) -> None:
    page = open_page("console-approval-look", width=390)
    expect(page.get_by_text("Only publishers decide what customers read.")).to_be_visible()
    assert page.locator("main button").count() == 0


def test_staff_write_an_update(open_page: Open) -> None:
    page = open_page("console-incident", width=1280)
    page.get_by_label("What has changed since the last update").fill("All is back.")
    page.get_by_label("State").select_option("Monitoring")
    page.get_by_label("Failed requests (if counted)").fill("1204")
    page.get_by_label("When it works again, UTC").fill("14:30")
    with page.expect_request("**/console/incidents/k3v9x0q2m7ab/update") as sent:
        page.get_by_role("button", name="Publish the update").click()
    assert sent.value.post_data == ("csrf_token=c5rf&note=All+is+back.&state=monitoring&failed=1204&recovery=14%3A30")


def test_staff_correct_what_was_said(open_page: Open) -> None:
    page = open_page("console-incident", width=390)
    page.get_by_text("Correct it in public").click()
    page.get_by_label("Percent of requests reached").fill("3.2")
    page.get_by_label("Customers who were hit").fill("312")
    page.get_by_label("Impact").select_option("minor")
    page.get_by_label("How you know").fill("Counted.")
    with page.expect_request("**/console/incidents/k3v9x0q2m7ab/correct") as sent:
        page.get_by_role("button", name="Publish the correction").click()
    assert sent.value.post_data == (
        "csrf_token=c5rf&failed=&customers=312&peak=3.2&impact=minor&began=&ended=&note=Counted."
    )


def test_a_visitor_finds_every_promise_and_its_incident(open_page: Open) -> None:
    page = open_page("promises", width=390)
    expect(page.get_by_role("heading", level=1)).to_have_text("What we promised")
    expect(
        page.get_by_text("11 kept, 1 missed, 2 withdrawn, 2 not due yet. Of 12 that came due, 91.7 %")
    ).to_be_visible()
    expect(page.get_by_text("4 promises: 4 kept, 0 missed.", exact=False)).to_be_visible()
    late = page.get_by_role("listitem").filter(has_text="Late.")
    expect(late.get_by_role("link")).to_have_attribute("href", f"{STATUS}/incidents/l4t3l4t3l4t3")
    expect(page.get_by_role("link", name="November 2026")).to_have_attribute("href", f"{STATUS}/promises/2026-11")


def test_nothing_can_be_done_to_a_closed_incident(open_page: Open) -> None:
    page = open_page("console-incident-closed", width=1280)
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    expect(page.get_by_text("It was retracted as a false alarm.")).to_be_visible()


def test_paper_shows_what_is_folded_and_no_forms(open_page: Open) -> None:
    page = open_page("incident", width=1000)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Send")).to_be_hidden()
    expect(page.get_by_role("row")).to_have_count(5)
