"""The text format of Prometheus, version 0.0.4: written by hand, for it is sixty lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, and of what."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: name with its unit, as the naming rules want, kind and meaning."""

    name: str
    kind: str  #: gauge | counter
    help: str
    samples: tuple[Sample, ...]


def gauge(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Metric:
    """What goes up and down."""
    return Metric(name, "gauge", text, tuple(Sample(labels, value) for labels, value in samples))


def counter(name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> Metric:
    """What only grows."""
    return Metric(name, "counter", text, tuple(Sample(labels, value) for labels, value in samples))


def exposition(metrics: Iterable[Metric]) -> str:
    """All of them."""
    lines: list[str] = []
    for metric in metrics:
        lines.append(f"# HELP {metric.name} {_escaped(metric.help)}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        for sample in metric.samples:
            labels = ",".join(f'{label}="{_quoted(value)}"' for label, value in sample.labels.items())
            name = f"{metric.name}{{{labels}}}" if labels else metric.name
            lines.append(f"{name} {_number(sample.value)}")
    return "\n".join([*lines, ""])


def _number(value: float) -> str:
    whole = float(value).is_integer() and abs(value) < 2**53
    return str(int(value)) if whole else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
