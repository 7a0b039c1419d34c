"""Who may include whom: the layers of ARCHITECTURE.md, for our own headers and for the system's.

Bazel's visibility and clang's layering_check see our own packages. They do not see /usr/include: a
target without gRPC among its deps can still include it. This rule sees both.
"""

import os
import re
from typing import Iterator, List, Optional, Tuple

from tree import CODE, Tree, Violation

# Folder -> layer. The longest prefix counts. A file may include its own folder and lower layers.
LAYERS = {
    'guest/module/tombolo_uapi.h': 0,
    'transport/base': 1,
    'transport/layout': 2,
    'transport/ring': 3,
    'transport/alloc': 3,
    'transport/region': 3,
    'transport/device': 3,
    'transport/endpoint': 4,
    'transport/wait': 4,
    'transport/fsck': 4,
    'transport/v2': 4,
    'transport/channel': 5,
    'transport/stream': 5,
    'transport/call': 5,
    'transport/c': 6,
    'mpi_btl': 7,
    'kvcache': 7,
    'control': 7,
}
# Folders of these layers do not know their neighbours.
IGNORANT_LAYERS = (3, 7)
# Above all layers: they may include any of ours. Nothing in a layer may include them.
ON_TOP = ('tests', 'bench', 'examples')

# First component or whole name of a library's headers -> the folders that may include it.
LIBRARIES = {
    'absl': ('transport', 'mpi_btl/engine', 'kvcache', 'control') + ON_TOP,
    'grpc': ('control', 'tests/control'),
    'grpcpp': ('control', 'tests/control', 'tests/fuzz'),
    'google': ('control', 'tests/control', 'tests/fuzz'),
    'CLI': ('control', 'kvcache/server', 'tests/control/config'),
    'spdlog': ('control', 'kvcache/server', 'tests/fuzz'),
    'event2': ('control', 'kvcache/server', 'tests/control'),
    'nlohmann': ('control', 'tests/control', 'bench'),
    'openssl': ('control/tls',),
    'prometheus': ('control/http',),
    'systemd': ('control', 'kvcache/server', 'tests/control'),
    'toml++': ('control/config',),
    'xxhash.h': ('kvcache', 'control/copy'),
    'curses.h': ('control/cli',),
    'cpuid.h': ('transport/base',),
    'mpi.h': ('mpi_btl/component', 'tests/mpi', 'bench', 'examples'),
    'opal_config.h': ('mpi_btl/component', 'mpi_btl/mpool'),
    'opal': ('mpi_btl/component', 'mpi_btl/mpool'),
    'gtest': ('tests',),
    'gmock': ('tests',),
    'benchmark': ('bench',),
    'tombolo': ('tests/dist',),  # The headers that libtombolo-dev installs.
}
# What the C library and the kernel's interface bring: allowed everywhere.
LIBC_FOLDERS = ('sys', 'linux', 'net', 'netinet', 'arpa')
LIBC = frozenset('''
    assert.h ctype.h dirent.h dlfcn.h endian.h errno.h fcntl.h getopt.h grp.h inttypes.h limits.h link.h malloc.h netdb.h poll.h
    pthread.h pwd.h sched.h setjmp.h signal.h spawn.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h
    strings.h syslog.h termios.h time.h ucontext.h unistd.h emmintrin.h immintrin.h mqueue.h'''.split())

# A package's promise about itself: registry is pure state.
FORBIDDEN = {
    'control/registry': ('time.h', 'chrono', 'thread', 'mutex', 'condition_variable', 'atomic',
                         'transport/base/clock.h', 'grpcpp/grpcpp.h'),
}

# Sources of the kernel's: they include the kernel's headers, and each other as it wants that.
KERNEL_MODULE = 'guest/module'

_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + '/')


def layer_of(path: str) -> Optional[Tuple[str, int]]:
    return next(((folder, layer) for folder, layer in LAYERS.items() if is_below(path, folder)), None)


def check(tree: Tree) -> Iterator[Violation]:
    for path in tree.with_suffix(*CODE):
        if is_below(path, KERNEL_MODULE):
            continue
        for number, line in enumerate(tree.read(path).split('\n'), 1):
            match = _INCLUDE.match(line)
            if not match:
                continue
            for text in _check_include(tree, path, match.group(1) == '"', match.group(2)):
                yield Violation(path, number, text)


def _check_include(tree: Tree, path: str, is_quoted: bool, header: str) -> List[str]:
    first = header.split('/')[0]
    if any(is_below(path, folder) and header in headers for folder, headers in FORBIDDEN.items()):
        return [f'{os.path.dirname(path)} promises to do without {header}']
    if first in LIBRARIES or header in LIBRARIES:
        return _check_library(path, first)
    if '/' not in header and '.' not in header:
        return []  # The C++ standard library.
    if header in LIBC or ('/' in header and first in LIBC_FOLDERS):
        return []
    if not is_quoted:
        return [f'<{header}> is of no library that tests/rules/include_rule.py knows; say there '
                'which folders may include it']
    return _check_own(tree, path, header)


def _check_library(path: str, library: str) -> List[str]:
    allowed = LIBRARIES[library]
    if any(is_below(path, folder) for folder in allowed):
        return []
    return [f'only {", ".join(allowed)} may include {library}']


def _check_own(tree: Tree, path: str, header: str) -> List[str]:
    is_generated = header.endswith('.pb.h')
    if header not in tree.paths and not is_generated:
        return [f'"{header}" is no path from the root of the workspace']
    source, target = layer_of(path), layer_of(header)
    if source is None:
        return []
    if target is None:
        return [f'{source[0]} may not include {header}, which belongs to no layer below it']
    if source[0] == target[0] or target[1] < source[1]:
        return []
    if target[1] > source[1]:
        return [f'{source[0]} (layer {source[1]}) may not include {target[0]} (layer {target[1]})']
    if source[1] not in IGNORANT_LAYERS or path.endswith('_main.cc'):
        return []
    return [f'{source[0]} and {target[0]} are neighbours that do not know each other']
