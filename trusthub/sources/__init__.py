"""The tools that can speak to us, by the name a connection gives them."""

from collections.abc import Mapping

from trusthub.domain.site import Connection
from trusthub.sources.alertmanager import Alertmanager
from trusthub.sources.argo_cd import ArgoCD
from trusthub.sources.argo_rollouts import ArgoRollouts
from trusthub.sources.base import Source
from trusthub.sources.cdevents import CDEvents
from trusthub.sources.codedeploy import CodeDeploy
from trusthub.sources.flagger import Flagger
from trusthub.sources.flagsmith import Flagsmith
from trusthub.sources.flux import Flux
from trusthub.sources.generic import Generic
from trusthub.sources.github import GitHub
from trusthub.sources.gitlab import GitLab
from trusthub.sources.grafana import Grafana
from trusthub.sources.growthbook import GrowthBook
from trusthub.sources.kubernetes import Kubernetes
from trusthub.sources.launchdarkly import LaunchDarkly
from trusthub.sources.mapped import MAPS, Mapped, mapped
from trusthub.sources.pagerduty import PagerDuty
from trusthub.sources.statuspage import Statuspage
from trusthub.sources.unleash import Unleash

_ALL: tuple[Source, ...] = (
    ArgoRollouts(),
    ArgoCD(),
    Flagger(),
    Flux(),
    Kubernetes(),
    GitHub(),
    GitLab(),
    CodeDeploy(),
    CDEvents(),
    LaunchDarkly(),
    Unleash(),
    Flagsmith(),
    GrowthBook(),
    Alertmanager(),
    Grafana(),
    PagerDuty(),
    Statuspage(),
    *(Mapped(name, found) for name, found in MAPS.items()),
    Generic(),
)
SOURCES: Mapping[str, Source] = {source.name: source for source in _ALL}


def reader_of(connection: Connection) -> Source:
    """Return what verifies and reads a connection's requests: its own map, else its source."""
    return mapped(connection.map) if connection.map else SOURCES[connection.source]
