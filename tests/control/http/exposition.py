"""Prometheus' text format, strictly: whatever is not wholly right is an error that names the line.

Beyond the format it holds names to Prometheus' conventions, as `promtool check metrics` does.
"""

import math
import re
from typing import Dict, NamedTuple, Tuple

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_HELP = re.compile(rf"# HELP ({_NAME}) (\S.*\S\.)")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")

Labels = Tuple[Tuple[str, str], ...]


class Family(NamedTuple):
    type: str
    samples: Dict[Labels, float]

    def value(self, **labels: str) -> float:
        return self.samples[tuple(labels.items())]


def parse(text: str) -> Dict[str, Family]:
    """Families by name. Each has a help, then a type, then its samples, once and in one piece."""
    if not text.endswith("\n"):
        raise ValueError("the last line does not end")
    families: Dict[str, Family] = {}
    lines = iter(enumerate(text[:-1].split("\n"), 1))
    name, helped = None, None
    for number, line in lines:
        try:
            if line.startswith("# HELP "):
                helped = _begin_help(line, families)
            elif line.startswith("# TYPE "):
                name = _begin_family(line, helped, families)
            else:
                _add_sample(line, name, families)
        except ValueError as error:
            raise ValueError(f"line {number}, {line!r}: {error}") from None
    return families


def _whole(pattern, text: str):
    match = pattern.fullmatch(text)
    if not match:
        raise ValueError(f"not of the form {pattern.pattern}")
    return match


def _begin_help(line: str, families: Dict[str, Family]) -> str:
    name = _whole(_HELP, line).group(1)
    if name in families:
        raise ValueError("this family was there before")
    return name


def _begin_family(line: str, helped: str, families: Dict[str, Family]) -> str:
    name, kind = _whole(_TYPE, line).groups()
    if name != helped or name in families:
        raise ValueError("its help does not stand before it")
    if (kind == "counter") != name.endswith("_total"):
        raise ValueError("counters, and they alone, end in _total")
    if ":" in name or not name.startswith(("tombolo_", "memcached_", "process_")):
        raise ValueError("not a name of ours")
    families[name] = Family(kind, {})
    return name


def _add_sample(line: str, name: str, families: Dict[str, Family]) -> None:
    seen, labels, value = _whole(_SAMPLE, line).groups()
    if seen != name:
        raise ValueError(f"a sample among those of {name}")
    key = _labels(labels) if labels is not None else ()
    if key in families[name].samples:
        raise ValueError("this sample was there before")
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError("no number from 0")
    families[name].samples[key] = number


def _labels(text: str) -> Labels:
    labels = []
    while text:
        match = _LABEL.match(text)
        if not match:
            raise ValueError(f"{text!r} is no label")
        labels.append(match.groups())
        text = text[match.end():]
        if text and not text.startswith(","):
            raise ValueError("labels without a comma between")
        text = text[1:]
    if len({name for name, _ in labels}) != len(labels):
        raise ValueError("one label twice")
    return tuple(labels)
