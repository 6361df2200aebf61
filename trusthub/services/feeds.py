"""The page's incidents for feed readers."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from feedgenerator import Atom1Feed

from trusthub.services.hub import Hub
from trusthub.services.views import IncidentView


def atom(hub: Hub, incidents: Sequence[IncidentView], now: datetime) -> bytes:
    """Return the Atom feed (RFC 4287): an entry an incident, with all its updates, newest first."""
    host = urlsplit(hub.page.url).hostname
    feed = Atom1Feed(
        title=f"{hub.page.name} status: incidents",
        link=hub.page.url,
        feed_url=f"{hub.page.url}/history.atom",
        feed_guid=f"tag:{host},2005:/history",
        description="",
        author_name=hub.page.name,
        language="en",
    )
    for incident in incidents:
        feed.add_item(
            title=incident.name,
            link=incident.url,
            unique_id=f"tag:{host},2005:Incident/{incident.public_id}",
            description="",
            content=_content(incident),
            pubdate=incident.started_at,
            updateddate=incident.updates[0].at if incident.updates else now,
        )
    return bytes(feed.writeString("utf-8"), "utf-8")


def _content(incident: IncidentView) -> str:
    return "".join(
        f"<p><small>{update.at:%d %b, %H:%M} UTC</small></p><p><strong>{update.state_words}</strong></p>{update.html}"
        for update in incident.updates
    )
