"""The tools that can speak to us, by the name a connection gives them."""

from collections.abc import Mapping

from trusthub.sources.argo_rollouts import ArgoRollouts
from trusthub.sources.base import Source
from trusthub.sources.cdevents import CDEvents
from trusthub.sources.flagger import Flagger
from trusthub.sources.generic import Generic
from trusthub.sources.github import GitHub

SOURCES: Mapping[str, Source] = {
    source.name: source for source in (ArgoRollouts(), Flagger(), GitHub(), CDEvents(), Generic())
}
