#!/usr/bin/python3
"""The reference of the control API in Markdown, from the comments of its .proto files.

Usage: api_reference.py FILE.proto...      prints it
       ./dev api                           writes docs/api.md

Reads our own way of writing such files, not the whole language: one declaration a line, comments above. A call, a
message, an enum or a field that nobody explains is an error, unless it is explained by the one right above it, or its
type has a comment of its own.
"""

import os
import re
import sys
from dataclasses import dataclass, field

HEAD = """# The control API: `tombolo.control.v1`

This page is made from [control/proto](../control/proto) by `scripts/api_reference.py`, and a test compares the two: to change it, change the
comments there and run `./dev api`. The command `tombolo` and clients in C++ use [control/client](../control/client/control_client.h); every language that
gRPC knows can make its own from the files, or ask the server for them (reflection).
"""


AS_ABOVE = ["As above."]


class Unexplained(Exception):
    """Somebody's contract has no words."""


@dataclass
class Entry:
    """A field, a value, a call; or a message, an enum or a service with those in it."""

    kind: str
    name: str
    text: list
    type: str = ""
    number: str = ""
    entries: list = field(default_factory=list)


OPEN = re.compile(r"^(message|enum|service|oneof) (\w+) \{(\})?$")
CALL = re.compile(r"^rpc (\w+)\((stream )?(\w+)\) returns \((stream )?(\w+)\);$")
FIELD = re.compile(r"^((?:repeated )?[\w.<>, ]+) (\w+) = (\d+);$")
VALUE = re.compile(r"^(\w+) = (\d+);$")


def parse(lines):
    """(comment at the top, entries)."""
    top, comment, stack = [], [], [Entry("file", "", [])]
    was_entry = False
    for raw in lines:
        line = raw.strip()
        if line.startswith("//"):
            comment.append(line[2:].removeprefix(" "))
            continue
        if line.startswith("syntax"):
            top, comment = comment, []
        elif line == "}":
            stack.pop()
        elif made := declared(line, comment, was_entry and stack[-1].entries):
            stack[-1].entries.append(made)
            if OPEN.match(line) and not line.endswith("{}"):
                stack.append(made)
        comment = []
        was_entry = bool(line)
    return top, stack[0].entries


def declared(line, comment, above):
    """What `line` declares; `above`: entries that it follows without a gap, which then explain it too."""
    if match := OPEN.match(line):
        return Entry(match[1], match[2], comment)
    if match := CALL.match(line):
        arrow = f"{match[2] or ''}{match[3]} → {match[4] or ''}{match[5]}"
        return Entry("call", match[1], explained(comment, [], match[1]), arrow)
    text = comment or (AS_ABOVE if above and above[-1].kind in ("field", "value") else [])
    if match := VALUE.match(line):
        return Entry("value", match[1], text, number=match[2])
    if match := FIELD.match(line):
        return Entry("field", match[2], text, match[1], match[3])
    return None


def explained(text, otherwise, name):
    if not text and not otherwise:
        raise Unexplained(f"{name} has no comment")
    return text or otherwise


def flowing(text):
    """Paragraphs as single lines; lists of words in capitals, which are indented, as lists."""
    done, paragraph = [], []

    def end():
        if paragraph:
            done.append(" ".join(paragraph))
            paragraph.clear()

    for line in text:
        item = re.match(r"^  ([A-Z_]+) +(\S.*)$", line)
        if not line.strip():
            end()
            done.append("")
        elif item:
            end()
            paragraph.append(f"- `{item[1]}`: {item[2]}")
        elif paragraph and paragraph[0].startswith("- ") and not line.startswith(" "):
            end()
            paragraph.append(line)
        else:
            paragraph.append(line.strip())
    end()
    # A list needs an empty line before it and behind it.
    spaced = []
    for line in done:
        if line and spaced and spaced[-1] and line.startswith("- ") != spaced[-1].startswith("- "):
            spaced.append("")
        spaced.append(line)
    return spaced


def cell(text):
    return " ".join(line.strip() for line in text if line.strip()).replace("|", "\\|")


def field_rows(message, known):
    for one in message.entries:
        if one.kind == "oneof":
            for choice in one.entries:
                yield f"| `{choice.name}` | {choice.type} | one of `{one.name}`: {words_of(choice, message, known)} |"
        elif one.kind == "field":
            yield f"| `{one.name}` | {one.type} | {words_of(one, message, known)} |"


def words_of(one, message, known):
    of_type = known.get(one.type.removeprefix("repeated "))
    own = [] if one.text == AS_ABOVE and of_type else one.text
    return cell(explained(own, of_type, f"{message.name}.{one.name}"))


def value_rows(enum):
    for one in enum.entries:
        words = cell(one.text) or ("not told" if one.number == "0" else "")
        yield f"| `{one.name}` | {one.number} | {words} |"


def inner_types(message):
    return [one for one in message.entries if one.kind in ("message", "enum")]


def type_section(one, known, level="###"):
    yield f"{level} {one.name}"
    yield ""
    if one.text:
        yield from flowing(one.text)
        yield ""
    if one.kind == "enum":
        yield from ["| value | number | |", "|---|---|---|", *value_rows(one), ""]
        return
    rows = list(field_rows(one, known))
    yield from (["| field | type | |", "|---|---|---|", *rows, ""] if rows else ["No fields.", ""])
    for inner in inner_types(one):
        yield from type_section(inner, known, level + "#")


def service_section(service):
    yield f"### Service {service.name}"
    yield ""
    for call in service.entries:
        yield f"**{service.name}.{call.name}**: {call.type}"
        yield ""
        yield from flowing(call.text)
        yield ""


def file_section(path, known):
    with open(path, encoding="utf-8") as file:
        top, entries = parse(file.read().splitlines())
    yield f"## {os.path.basename(path)}"
    yield ""
    yield from flowing(explained(top, [], path))
    yield ""
    for one in entries:
        yield from service_section(one) if one.kind == "service" else type_section(one, known)


def types_with_words(paths):
    """Name -> what stands for a field of that type which has no words of its own."""
    known = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            note_types(parse(file.read().splitlines())[1], known)
    return known


def note_types(entries, known):
    for one in entries:
        if one.kind in ("message", "enum"):
            known[one.name] = [f"See {one.name}."]
            note_types(one.entries, known)


def reference(paths):
    known = types_with_words(paths)
    lines = HEAD.splitlines()
    for path in paths:
        lines += ["", *file_section(path, known)]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines))
    return text.rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.write(reference(sys.argv[1:]))
