"""What lives in shared memory: asserts for every field, and a document that says the same.

The compiler proves `static_assert(offsetof(...) == N)`; this compares the documents with those.
"""

import re
from typing import Dict, Iterator, NamedTuple, Tuple

from tree import Tree, Violation

# Folder of structs -> the document that has their tables.
DOCUMENTS = {
    'transport/layout/': 'docs/layout.md',
    'kvcache/layout/': 'docs/kvcache_layout.md',
}

_STRUCT = re.compile(r'^struct (?:alignas\(\w+\) )?(\w+) \{\n(.*?)^\};', re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r'^\s+(?:alignas\(\w+\) )?([\w:]+) (\w+)(?:\[[^\]]*\])?( = [^;]+)?;', re.MULTILINE)
_SIZE_ASSERT = r'static_assert\(sizeof\((\w+)\) == (\w+)\);'
_OFFSET_ASSERT = r'static_assert\(offsetof\((\w+), (\w+)\) == (\w+)\);'
# Fields of the region: fixed width, no pointers, no bool.
_FIELD_TYPES = re.compile(r'SharedU(8|16|32|64)|u?int(8|16|32|64)_t|std::byte|[A-Z]\w+')

_HEADING = re.compile(r'^#+ (\w+), (\d+) bytes$')
_ROW = re.compile(r'^\| (\d+) \| `(\w+)` \| (\d+) \|')


class Table(NamedTuple):
    line: int
    size: int
    fields: Dict[str, int]  # Offsets by name, in the order of the source.


def check(tree: Tree) -> Iterator[Violation]:
    constants = _constants(tree)
    for folder, document in DOCUMENTS.items():
        yield from _check_folder(tree, folder, document, constants)


def _check_folder(tree: Tree, folder: str, document: str, constants: Dict[str, int]) -> Iterator[Violation]:
    asserted: Dict[str, Table] = {}
    for path in tree.with_suffix('.h'):
        if path.startswith(folder):
            yield from _check_header(tree, path, constants, asserted)
    if not asserted:
        return
    documented: Dict[str, Table] = {}
    yield from _read_document(tree, document, documented)
    yield from _compare(asserted, documented, (folder.rstrip('/'), document))


def _constants(tree: Tree) -> Dict[str, int]:
    """The constants that asserts name instead of a number."""
    text = ''.join(tree.read(path) for path in tree.with_suffix('.h')
                   if path.startswith((*DOCUMENTS, 'transport/base/')))
    values = {'kKiB': 1024}
    for name, value in re.findall(r'inline constexpr \w+ (\w+) = ([\w *]+);', text):
        factors = [factor.strip() for factor in value.split('*')]
        if all(factor.isdigit() or factor in values for factor in factors):
            product = 1
            for factor in factors:
                product *= int(factor) if factor.isdigit() else values[factor]
            values[name] = product
    return values


def _check_header(tree: Tree, path: str, constants: Dict[str, int],
                  asserted: Dict[str, Table]) -> Iterator[Violation]:
    text = tree.read(path)

    def number(word: str) -> int:
        return int(word) if word.isdigit() else constants[word]

    sizes = {name: number(size) for name, size in re.findall(_SIZE_ASSERT, text)}
    offsets = {(struct, field): number(at) for struct, field, at in re.findall(_OFFSET_ASSERT, text)}
    for match in _STRUCT.finditer(text):
        struct, body = match.groups()
        line = text.count('\n', 0, match.start()) + 1
        if re.search(rf'\bPack\(const {struct}&', text):
            continue  # The unpacked form of a word: it never lies in the region itself.
        if struct not in sizes:
            yield Violation(path, line, f'{struct} has no static_assert on its size')
            continue
        fields = {}
        for kind, field, initial in _FIELD.findall(body):
            if not _FIELD_TYPES.fullmatch(kind) or initial:
                yield Violation(path, line, f'{struct}::{field}: fixed-width types without initializers')
            elif (struct, field) in offsets:
                fields[field] = offsets[struct, field]
            elif not field.startswith('reserved'):
                yield Violation(path, line, f'{struct}::{field} has no static_assert on its offset')
        fields = {name: at for name, at in fields.items() if not name.startswith('reserved')}
        asserted[struct] = Table(line, sizes[struct], fields)


def _read_document(tree: Tree, path: str, documented: Dict[str, Table]) -> Iterator[Violation]:
    table, end = None, 0
    for line, text in enumerate(tree.read(path).split('\n'), 1):
        heading, row = _HEADING.match(text), _ROW.match(text)
        if heading:
            table, end = Table(line, int(heading.group(2)), {}), 0
            documented[heading.group(1)] = table
        elif text.startswith('#'):
            table = None
        elif table and row:
            offset, field, size = int(row.group(1)), row.group(2), int(row.group(3))
            if offset < end or offset + size > table.size:
                yield Violation(path, line, f'{field} overlaps its neighbour or the end')
            end = offset + size
            table.fields[field] = offset


def _compare(asserted: Dict[str, Table], documented: Dict[str, Table],
             places: Tuple[str, str]) -> Iterator[Violation]:
    folder, path = places
    for struct in sorted(asserted.keys() | documented.keys()):
        code, document = asserted.get(struct), documented.get(struct)
        if code is None or document is None:
            where = folder if code is None else path
            yield Violation(path, document.line if document else 0, f'{struct} is missing in {where}')
            continue
        if code.size != document.size:
            yield Violation(path, document.line,
                            f'{struct} has {document.size} bytes here, {code.size} in the code')
        for field in sorted(code.fields.keys() | document.fields.keys()):
            here, there = document.fields.get(field), code.fields.get(field)
            if here != there:
                yield Violation(path, document.line,
                                f'{struct}::{field} is at {here} here, at {there} in the code')
