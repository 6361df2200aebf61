"""The sandbox as the real clients and a browser without scripts use it."""

from collections.abc import Callable

import html5lib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.web.box import Box, box, outbound, url
from trusthub.channels import mail
from trusthub.channels.sandbox import Sandbox
from trusthub.channels.sendgrid import SendGrid
from trusthub.channels.slack import Slack
from trusthub.domain.message import Button
from trusthub.web.mrkdwn import to_html

__all__ = ["box", "url"]

BUTTONS = (
    Button(label="Answer", action="answer", value="1", url="https://a.example/answer"),
    Button(label="Undo", action="undo", value="1", url="javascript:alert(1)", danger=True),
)


@pytest.fixture
def slack(url: str) -> Slack:
    return Slack(token="xoxb-any", api_url=f"{url}/slack/api/", interactive=False)


@pytest.fixture
def sendgrid(url: str) -> SendGrid:
    return SendGrid(api_key="any", api_url=f"{url}/sendgrid", sender=mail.Sender("Acme", "status@acme.example"))


def test_the_real_slack_client_posts_replies_and_edits(box: Box, slack: Slack) -> None:
    first = slack.send(outbound("It begins.", buttons=BUTTONS)).ref
    reply = slack.send(outbound("More news.", parent=first, broadcast=True)).ref
    assert slack.send(outbound("It is over.", parent=first, edit=True)).ref == first
    assert first is not None
    assert reply is not None
    assert first < reply
    calls = [row.payload for row in box.rows]
    assert [call["method"] for call in calls] == ["chat.postMessage", "chat.postMessage", "chat.update"]
    assert {call["channel_name"] for call in calls} == {"#releases"}
    assert {call["channel"] for call in calls} == {first.partition(":")[0]}


def test_slack_knows_its_token_its_methods_and_its_messages(box: Box, url: str) -> None:
    client = WebClient(token="xoxb-any", base_url=f"{url}/slack/api/", retry_handlers=[])
    assert client.auth_test()["user"] == "trusthub"
    stranger = WebClient(base_url=client.base_url, retry_handlers=[])
    calls: list[Callable[[], object]] = [
        client.conversations_list,
        lambda: client.chat_update(channel="C0123456789", ts="1.0", text="x"),
        lambda: client.chat_postMessage(channel="", text="x"),
        lambda: stranger.chat_postMessage(channel="#a", text="x"),
    ]
    for call in calls:
        with pytest.raises(SlackApiError):
            call()
    assert box.rows == []


def test_the_real_sendgrid_client_gets_a_receipt(box: Box, sendgrid: SendGrid) -> None:
    receipt = sendgrid.send(outbound("It begins.", "ana@customer.example"))
    assert receipt.status == 202
    assert receipt.ref == box.rows[0].payload["message_id"]


def test_what_was_kept_is_listed_after_an_id(box: Box, slack: Slack, sendgrid: SendGrid) -> None:
    slack.send(outbound("One."))
    sendgrid.send(outbound("Two.", "ana@customer.example"))
    everything = box.client.get("/sandbox/messages.json").get_json()
    assert [(row["id"], row["kind"], row["at"]) for row in everything] == [
        (1, "slack", "2026-11-22T14:00:00+00:00"),
        (2, "mail", "2026-11-22T14:01:00+00:00"),
    ]
    assert everything[0]["payload"]["text"] == "*Checkout*\nOne."
    assert [row["id"] for row in box.client.get("/sandbox/messages.json?after=1").get_json()] == [2]


def test_an_empty_sandbox_says_what_will_stand_there(box: Box) -> None:
    shown = box.look()
    assert "Messages to Slack will stand here." in shown
    assert "Mails will stand here." in shown


def test_slack_shows_the_newest_words_with_the_earlier_ones_and_the_thread(box: Box, slack: Slack) -> None:
    first = slack.send(outbound("It begins.", buttons=BUTTONS)).ref
    slack.send(outbound("More news.", parent=first, broadcast=True))
    slack.send(outbound("It is over.", parent=first, edit=True))
    shown = box.look()
    order = [shown.index(words) for words in ("It is over.", "edited", "It begins.", "1 reply", "More news.")]
    assert order == sorted(order)
    assert "also sent to #releases" in shown


def test_buttons_are_links_and_only_to_the_web(box: Box, slack: Slack) -> None:
    slack.send(outbound("It begins.", buttons=BUTTONS))
    shown = box.look()
    assert 'href="https://a.example/answer"' in shown
    assert "Undo" in shown
    assert "javascript:" not in shown


def test_the_newest_channel_is_open_unless_another_is_chosen(box: Box, slack: Slack) -> None:
    slack.send(outbound("In releases."))
    slack.send(outbound("In support.", "#support"))
    assert "In support." in box.look()
    assert "In releases." in box.look("/sandbox?channel=%23releases")
    assert "In support." in box.look("/sandbox?channel=%23nothing")


def test_the_newest_mail_is_open_unless_another_is_chosen(box: Box, sendgrid: SendGrid) -> None:
    for number in (1, 2):
        sendgrid.send(outbound(f"Mail {number}.", "ana@customer.example", unsubscribe_url="https://a.example/u"))
    assert 'src="/sandbox/mail/2"' in box.look()
    shown = box.look("/sandbox?mail=1")
    assert 'src="/sandbox/mail/1"' in shown
    assert 'href="https://a.example/u">Unsubscribe' in shown
    assert "List-Unsubscribe-Post" in shown


def test_following_live_loads_the_page_again_and_keeps_what_is_chosen(box: Box, slack: Slack) -> None:
    slack.send(outbound("It begins."))
    following = box.client.get("/sandbox?channel=%23releases&live=1")
    assert following.headers["Refresh"] == "3"
    assert 'href="/sandbox?channel=%23releases">Stop following' in following.text
    assert "Refresh" not in box.client.get("/sandbox").headers


def test_the_page_runs_no_script_and_the_mail_is_a_document_of_its_own(box: Box, sendgrid: SendGrid) -> None:
    sendgrid.send(outbound("<script>alert(1)</script>", "ana@customer.example"))
    page, letter = box.client.get("/sandbox"), box.client.get("/sandbox/mail/1")
    assert "default-src 'none'; style-src 'self'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert " style=" not in page.text
    assert letter.headers["Content-Security-Policy"].startswith("sandbox allow-popups")
    assert letter.text.startswith('<base target="_blank">')


def test_links_of_a_whole_document_open_beside_the_frame(box: Box) -> None:
    body = {"content": [{"type": "text/html", "value": "<html><head lang=en><title>a</title></head></html>"}]}
    box.keep("mail", {**body, "personalizations": [], "from": {}})
    assert '<head lang=en><base target="_blank"><title>' in box.client.get("/sandbox/mail/1").text


def test_what_is_no_mail_or_not_there_has_no_document(box: Box, slack: Slack) -> None:
    slack.send(outbound("It begins."))
    assert [box.client.get(f"/sandbox/mail/{number}").status_code for number in (0, 1, 2)] == [404, 404, 404]


def test_messages_without_a_provider_are_shown_in_the_same_places(box: Box) -> None:
    kept_slack = Sandbox(box.keep, destination="slack", cure="")
    first = kept_slack.send(outbound("It begins.", buttons=BUTTONS)).ref
    kept_slack.send(outbound("It is over.", parent=first, edit=True))
    kept_slack.send(outbound("More.", parent=first))
    Sandbox(box.keep, destination="email", cure="").send(outbound("A mail.", "ana@customer.example"))
    shown = box.look()
    order = [
        shown.index(words) for words in ("kept, not sent", "It is over.", "It begins.", "1 reply", "More.", "A mail.")
    ]
    assert order == sorted(order)
    assert "<p>A mail.</p>" in box.client.get("/sandbox/mail/4").text


def test_a_repeated_edit_of_a_message_from_before_shows_as_a_message(box: Box, slack: Slack) -> None:
    first = slack.send(outbound("It begins.")).ref
    box.rows.clear()
    receipt = slack.send(outbound("It is over.", parent=first, edit=True))
    assert receipt.anew
    assert "It is over." in box.look()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _italic_ ~gone~", "<p><b>bold</b> <i>italic</i> <s>gone</s></p>"),
        ("2 * 3 * 4, a_b_c", "<p>2 * 3 * 4, a_b_c</p>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("&gt; quoted\n&gt; more\nafter", "<blockquote>quoted<br>more</blockquote><p>after</p>"),
        ("a &lt;b&gt; &amp;amp; c", "<p>a &lt;b&gt; &amp;amp; c</p>"),
        ("`x &lt; *y*`", "<p><code>x &lt; *y*</code></p>"),
        ("```\na\n *b*\n```", '<p><code class="block">a\n *b*</code></p>'),
        ("<https://a.example/?a&amp;b=2|two *words*>", '<p><a href="https://a.example/?a&amp;b=2">two *words*</a></p>'),
        ("*see <https://a.example>*", '<p><b>see <a href="https://a.example">https://a.example</a></b></p>'),
        ("<mailto:a@b.example>", '<p><a href="mailto:a@b.example">a@b.example</a></p>'),
        ("<!here> <@U1>", '<p><span class="mention">@here</span> <span class="mention">@U1</span></p>'),
        ("<#C1|releases>", '<p><span class="mention">releases</span></p>'),
        ("<javascript:alert(1)|x>", '<p><span class="mention">x</span></p>'),
        ("\0" + "0\0", "<p>0</p>"),
    ],
)  # fmt: skip
def test_mrkdwn_is_shown_as_slack_shows_it(text: str, html: str) -> None:
    assert to_html(text) == html


@given(st.lists(st.sampled_from([*"*_~`<>|&\n\0 ", "&lt;", "```", "script", "https://a", "on"]) | st.text(max_size=5)))
def test_no_mrkdwn_becomes_any_other_html(pieces: list[str]) -> None:
    tree = html5lib.parseFragment(str(to_html("".join(pieces))), namespaceHTMLElements=False)
    for element in tree.iter():
        assert element.tag in {"DOCUMENT_FRAGMENT", "p", "br", "b", "i", "s", "a", "code", "span", "blockquote"}
        assert set(element.attrib) <= {"href", "class"}
        assert element.get("href", "https://").startswith(("https://", "http://", "mailto:"))
