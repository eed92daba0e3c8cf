"""``GET /metrics`` in the Prometheus text format (version 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping

from perftui.capture.intake import Intake
from perftui.clock import SystemClock
from perftui.model import Clock
from perftui_server.notices import Notices

LATENCY_BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Histogram:
    """Durations in buckets."""

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_SECONDS) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def lines(self, name: str) -> Iterable[str]:
        """As Prometheus has it."""
        total = 0
        for bound, count in zip(self._bounds, self._counts, strict=False):
            total += count
            yield f'{name}_bucket{{le="{bound:g}"}} {total}'
        total += self._counts[-1]
        yield f'{name}_bucket{{le="+Inf"}} {total}'
        yield f"{name}_sum {self._sum:.6f}"
        yield f"{name}_count {total}"


class Metrics:
    """What the server counts besides the intake.

    Attributes:
        responses: by route and status.
        refused: requests refused before their body was read, by reason.
        limits: how often each limit was reached, by its setting.
        connections: open at this moment, besides those that linger after their last answer.
        notices: the log, for what a client can cause.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.responses: Counter[tuple[str, int]] = Counter()
        self.refused: Counter[str] = Counter()
        self.limits: Counter[str] = Counter()
        self.connections = 0
        self.commit_latency = Histogram()
        self.notices = Notices(clock or SystemClock())

    def limit_reached(self, setting: str, client: object, words: str, count: int = 1) -> None:
        """Count that a client has come to a limit, and log it.

        Args:
            setting: the limit's name in ``perftui.toml``.
            client: its address, as far as it is known.
            words: what happened.
            count: how often.
        """
        self.limits[setting] += count
        self.notices.warn(setting, "%s reached by %s: %s", setting, client or "a client", words)

    def text(self, intake: Intake, gauges: Mapping[str, float]) -> str:
        """All of it."""
        lines: list[str] = []

        def family(name: str, kind: str, words: str, samples: Iterable[str]) -> None:
            lines.append(f"# HELP perftui_{name} {words}")
            lines.append(f"# TYPE perftui_{name} {kind}")
            lines.extend(samples)

        def counted(name: str, label: str, counter: Mapping[str, int]) -> list[str]:
            return [
                f'perftui_{name}{{{label}="{_escaped(key)}"}} {count}'
                for key, count in sorted(counter.items())
            ]

        family(
            "batches_total",
            "counter",
            "Batches stored.",
            [f"perftui_batches_total {intake.batches}"],
        )
        family(
            "duplicate_batches_total",
            "counter",
            "Batches that had been stored before.",
            [f"perftui_duplicate_batches_total {intake.duplicates}"],
        )
        family(
            "entries_total",
            "counter",
            "Entries stored, by entry type.",
            counted("entries_total", "type", intake.entries),
        )
        family(
            "entry_bytes_total",
            "counter",
            "Bytes of JSON stored, by entry type.",
            counted("entry_bytes_total", "type", intake.byte_count),
        )
        family(
            "rejected_entries_total",
            "counter",
            "Entries that were not taken, by reason.",
            counted("rejected_entries_total", "reason", intake.rejected),
        )
        family(
            "dropped_by_clients_total",
            "counter",
            "Entries that clients had to drop, by entry type.",
            counted("dropped_by_clients_total", "type", intake.dropped),
        )
        family(
            "responses_total",
            "counter",
            "Answers, by route and status.",
            [
                f'perftui_responses_total{{route="{route}",status="{status}"}} {count}'
                for (route, status), count in sorted(self.responses.items())
            ],
        )
        family(
            "refused_total",
            "counter",
            "Requests refused at the door, by reason.",
            counted("refused_total", "reason", self.refused),
        )
        family(
            "limit_reached_total",
            "counter",
            "How often a limit was reached, by its setting.",
            counted("limit_reached_total", "setting", self.limits),
        )
        family(
            "commit_seconds",
            "histogram",
            "From a body that is whole to its acknowledgement.",
            self.commit_latency.lines("perftui_commit_seconds"),
        )
        for name, value in sorted(gauges.items()):
            kind = "counter" if name.endswith("_total") else "gauge"
            family(name, kind, name.replace("_", " ") + ".", [f"perftui_{name} {value:g}"])
        return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
