"""The sandbox in a real browser: its own rules let everything through that it needs."""

from playwright.sync_api import Page

from tests.web.box import Box, box, outbound, url
from trusthub.channels import mail
from trusthub.channels.sendgrid import SendGrid
from trusthub.channels.slack import Slack

__all__ = ["box", "url"]


def test_a_mail_keeps_its_styles_and_nothing_is_blocked(page: Page, url: str) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    letter = '<p style="color: rgb(1, 2, 3)">We are sorry. <a href="https://a.example/">Answer</a></p>'
    sender = mail.Sender("Acme", "status@acme.example")
    SendGrid(api_key="any", api_url=f"{url}/sendgrid", sender=sender).send(outbound(letter, "ana@customer.example"))
    page.goto(url)
    words = page.frame_locator("iframe").get_by_text("We are sorry.")
    assert words.evaluate("element => getComputedStyle(element).color") == "rgb(1, 2, 3)"
    assert complaints == []


def test_the_newest_message_is_in_view_and_the_earlier_words_can_be_read(page: Page, url: str, box: Box) -> None:
    slack = Slack(token="any", api_url=f"{url}/slack/api/", interactive=False)
    first = [slack.send(outbound(f"Message {number}.\n\nIt has two paragraphs.")).ref for number in range(12)][-1]
    slack.send(outbound("It is over.", parent=first, edit=True))
    page.goto(url)
    newest = page.get_by_text("It is over.")
    assert newest.evaluate("element => element.getBoundingClientRect().bottom <= innerHeight")
    earlier = page.get_by_text("Message 11.")
    assert not earlier.is_visible()
    page.get_by_text("edited").click()
    assert earlier.is_visible()
    assert len(box.rows) == 13
