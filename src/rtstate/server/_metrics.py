"""What a server counts, as Prometheus reads it: on a registry of its own."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rtstate.hub import Hub
from rtstate.server._limits import Streams

_FAST = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters; :meth:`text` is what ``/metrics`` answers."""

    def __init__(self, hub: Hub, streams: Streams) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter(
            "rtstate_requests", "Requests answered.", ("route", "method", "status"), registry=registry
        )
        self.events = Counter("rtstate_ingested_events", "Events that were kept.", registry=registry)
        self.bytes = Counter("rtstate_ingested_bytes", "Bytes of events that were kept.", registry=registry)
        self.dropped = Counter("rtstate_followers_dropped", "Followers that did not read.", registry=registry)
        self.latency = Histogram(
            "rtstate_ingest_to_sent_seconds",
            "From an event's arrival until a follower was sent what it changed.",
            buckets=_FAST,
            registry=registry,
        )
        registry.register(_OfHub(hub, streams))

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _OfHub(Collector):
    def __init__(self, hub: Hub, streams: Streams) -> None:
        self._hub, self._streams = hub, streams

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        stats = self._hub.stats
        yield GaugeMetricFamily("rtstate_streams", "Open streams.", self._streams.total)
        yield GaugeMetricFamily("rtstate_hub_held", "Conversations in memory.", stats.held)
        yield GaugeMetricFamily("rtstate_hub_writing", "Conversations written here.", stats.writing)
        yield GaugeMetricFamily("rtstate_hub_memory_bytes", "What they take, about.", stats.memory)
        yield GaugeMetricFamily("rtstate_hub_followers", "Who follows them in the hub.", stats.followers)
        yield CounterMetricFamily("rtstate_hub_events", "Events appended.", stats.events)
        yield CounterMetricFamily("rtstate_hub_evicted", "Conversations let go of.", stats.evicted)
