#!/usr/bin/python3
"""The rules against small trees that break them: a rule that finds nothing there checks nothing."""

import os
import tempfile
import unittest
from typing import Dict, List

import check

GUARD = '#pragma once\n'
LINE = '''#pragma once
struct Line {
  SharedU64 word;
  uint32_t reserved0;
};
static_assert(offsetof(Line, word) == 0);
static_assert(sizeof(Line) == kLineBytes);
'''
UNITS = GUARD + 'inline constexpr size_t kLineBytes = 64;\n'
TABLE = '## Line, 64 bytes\n| 0 | `word` | 8 | sender | what |\n'


def found(files: Dict[str, str]) -> List[str]:
    """The violations of a tree of `files`, as text."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
                file.write(text)
        return [str(violation) for violation in check.violations(root)]


class RulesTest(unittest.TestCase):
    def assert_clean(self, files: Dict[str, str]) -> None:
        self.assertEqual(found(files), [])

    def assert_broken(self, files: Dict[str, str], *expected: str) -> None:
        """Exactly `expected`: each the beginning of one violation."""
        seen = found(files)
        self.assertEqual(len(seen), len(expected), seen)
        for violation, beginning in zip(seen, expected):
            self.assertTrue(violation.startswith(beginning), violation)


class IncludeRuleTest(RulesTest):
    def include(self, path: str, header: str, *others: str) -> Dict[str, str]:
        files = {other: GUARD for other in others}
        files[path] = f'{GUARD}#include {header}\n'
        return files

    def test_lower_layers_and_the_own_folder_are_allowed(self):
        for header in ('transport/base/a.h', 'transport/layout/a.h', 'transport/ring/b.h'):
            self.assert_clean(self.include('transport/ring/a.h', f'"{header}"', header))

    def test_a_higher_layer_is_refused(self):
        header = 'transport/channel/b.h'
        self.assert_broken(self.include('transport/ring/a.h', f'"{header}"', header),
                           'transport/ring/a.h:2: transport/ring (layer 3) may not include')

    def test_neighbours_that_do_not_know_each_other_are_refused(self):
        for ours, theirs in (('transport/ring', 'transport/alloc'), ('transport/region', 'transport/device'),
                             ('mpi_btl/engine', 'control/registry'), ('kvcache/store', 'mpi_btl/engine')):
            header = f'{theirs}/b.h'
            self.assert_broken(self.include(f'{ours}/a.cc', f'"{header}"', header), f'{ours}/a.cc:2: ')

    def test_a_main_file_may_wire_two_together(self):
        header = 'kvcache/store/b.h'
        self.assert_clean(self.include('control/agent/agent_main.cc', f'"{header}"', header))

    def test_a_main_file_may_not_go_up(self):
        header = 'control/b.h'
        self.assert_broken(self.include('transport/c/x_main.cc', f'"{header}"', header), 'transport/c/x_main.cc:2')

    def test_the_kernel_module_is_the_kernels_and_of_it_only_the_interface_is_seen(self):
        self.assert_clean({'guest/module/a.c': '#include <asm/io.h>\n#include "tombolo.h"\n'})
        interface = {'guest/module/tombolo_uapi.h': ''}
        self.assert_clean({**interface, 'transport/device/a.cc': '#include "guest/module/tombolo_uapi.h"\n'})
        self.assert_broken({'guest/module/tombolo.h': '', 'transport/device/a.cc': '#include "guest/module/tombolo.h"\n'},
                           'transport/device/a.cc:1: transport/device may not include')

    def test_tests_are_seen_by_tests_only(self):
        header = 'tests/support/b.h'
        self.assert_clean(self.include('tests/transport/a.cc', f'"{header}"', header))
        self.assert_broken(self.include('control/a.cc', f'"{header}"', header), 'control/a.cc:2: ')

    def test_transport_knows_abseil_and_the_c_and_cpp_libraries_only(self):
        for header in ('"absl/status/status.h"', '<vector>', '<errno.h>', '<sys/mman.h>', '<linux/vfio.h>'):
            self.assert_clean(self.include('transport/device/a.cc', header))
        for header in ('<grpcpp/grpcpp.h>', '<google/protobuf/message.h>', '<CLI/CLI.hpp>', '"spdlog/spdlog.h"',
                       '<event2/event.h>', '<mpi.h>', '"opal/mca/btl/btl.h"', '<nlohmann/json.hpp>',
                       '<gtest/gtest.h>', '<systemd/sd-daemon.h>'):
            self.assert_broken(self.include('transport/device/a.cc', header), 'transport/device/a.cc:2: only ')

    def test_only_the_component_and_its_tests_see_mpi(self):
        self.assert_clean(self.include('mpi_btl/component/a.c', '"opal/mca/btl/btl.h"'))
        self.assert_clean(self.include('tests/mpi/a.cc', '<mpi.h>'))
        for path in ('mpi_btl/engine/a.cc', 'control/a.cc', 'tests/control/a.cc'):
            self.assert_broken(self.include(path, '<mpi.h>'), f'{path}:2: only mpi_btl/component')

    def test_a_library_that_is_not_listed_is_refused(self):
        self.assert_broken(self.include('control/a.cc', '<zlib.h>'), 'control/a.cc:2: <zlib.h> is of no library')
        self.assert_broken(self.include('control/a.cc', '<boost/asio.hpp>'), 'control/a.cc:2: ')

    def test_own_headers_are_included_by_their_path_from_the_root(self):
        for header in ('"b.h"', '"../base/b.h"', '"transport/base/missing.h"'):
            self.assert_broken(self.include('transport/base/a.cc', header, 'transport/base/b.h'),
                               'transport/base/a.cc:2: ')

    def test_the_registry_stays_without_clock_threads_and_grpc(self):
        for header in ('<thread>', '<chrono>', '<mutex>', '<grpcpp/grpcpp.h>'):
            self.assert_broken(self.include('control/registry/a.cc', header), 'control/registry/a.cc:2: ')


class StyleRuleTest(RulesTest):
    def test_long_files_are_refused(self):
        self.assert_clean({'control/a.cc': '\n' * 400, 'scripts/a.sh': '\n' * 400})
        self.assert_broken({'control/a.cc': '\n' * 401}, 'control/a.cc:0: has 401 lines')
        self.assert_broken({'tests/vm/a.py': '\n' * 401}, 'tests/vm/a.py:0: has 401 lines')

    def test_headers_need_a_guard(self):
        self.assert_broken({'control/a.h': 'int a;\n'}, 'control/a.h:0: has no #pragma once')
        self.assert_broken({'control/a.h': '// #pragma once\n'}, 'control/a.h:0: ')
        self.assert_clean({'transport/c/tombolo.h': '#ifndef A\n#define A\n#endif\n'})

    def test_volatile_is_for_device_registers(self):
        self.assert_clean({'transport/device/vfio/a.cc': 'volatile int a;\n'})
        self.assert_broken({'transport/ring/a.cc': '\nvolatile int a;\n'}, 'transport/ring/a.cc:2: volatile')

    def test_free_standing_fences_are_refused_everywhere(self):
        text = 'std::atomic_thread_fence(std::memory_order_seq_cst);\n'
        self.assert_broken({'transport/wait/a.cc': text}, 'transport/wait/a.cc:1: use an ordered access')

    def test_tests_do_not_sleep(self):
        for call in ('usleep(10);', 'std::this_thread::sleep_for(x);', 'sleep(1);', 'nanosleep(&t, nullptr);'):
            self.assert_broken({'tests/a_test.cc': call + '\n'}, 'tests/a_test.cc:1: tests do not sleep')
        self.assert_clean({'tests/a_test.cc': 'StartSleeping(); Fallasleep(1); int sleep_count;\n'})

    def test_comments_and_strings_are_no_code(self):
        self.assert_clean({'control/a.cc': '// volatile\n/* volatile\n volatile */ char* a = "volatile \\" volatile";\n'})

    def test_transport_names_memory_orders(self):
        self.assert_clean({'transport/a.cc': 'a.load(std::memory_order_relaxed); b.store(1, order);\n'})
        for access in ('a.load()', 'a.store(1)', 'a.fetch_add(1)', 'a.exchange(b)'):
            self.assert_broken({'transport/a.cc': access + ';\n'}, 'transport/a.cc:1: an access')
            self.assert_clean({'tests/transport/a.cc': access + ';\n'})


class LayoutRuleTest(RulesTest):
    def layout(self, header: str = LINE, document: str = TABLE) -> Dict[str, str]:
        return {'transport/layout/line.h': header, 'transport/base/units.h': UNITS, 'docs/layout.md': document}

    def test_code_and_document_that_agree_are_clean(self):
        self.assert_clean(self.layout())

    def test_each_folder_of_structs_has_a_document_of_its_own(self):
        files = self.layout()
        files.update({'kvcache/layout/line.h': LINE, 'docs/kvcache_layout.md': TABLE})
        self.assert_clean(files)
        files['docs/kvcache_layout.md'] = TABLE.replace('| 0 |', '| 8 |')
        self.assert_broken(files, 'docs/kvcache_layout.md:1: Line::word is at 8 here, at 0 in the code')

    def test_a_field_without_an_assert_is_refused(self):
        self.assert_broken(self.layout(LINE.replace('uint32_t reserved0', 'uint32_t more')),
                           'transport/layout/line.h:2: Line::more has no static_assert')

    def test_a_struct_without_an_assert_on_its_size_is_refused(self):
        header = LINE + 'struct Other {\n  SharedU64 word;\n};\n'
        self.assert_broken(self.layout(header), 'transport/layout/line.h:8: Other has no static_assert')

    def test_the_unpacked_form_of_a_word_needs_none(self):
        header = LINE + 'struct Word {\n  bool a = false;\n};\nuint64_t Pack(const Word& word);\n'
        self.assert_clean(self.layout(header))

    def test_types_of_no_fixed_width_are_refused(self):
        for kind in ('bool', 'int', 'size_t', 'long'):
            self.assert_broken(self.layout(LINE.replace('uint32_t reserved0', f'{kind} reserved0')),
                               'transport/layout/line.h:2: Line::reserved0: fixed-width')

    def test_another_offset_in_the_document_is_refused(self):
        self.assert_broken(self.layout(document=TABLE.replace('| 0 |', '| 8 |')),
                           'docs/layout.md:1: Line::word is at 8 here, at 0 in the code')

    def test_another_size_in_the_document_is_refused(self):
        self.assert_broken(self.layout(document=TABLE.replace('64 bytes', '128 bytes')),
                           'docs/layout.md:1: Line has 128 bytes here, 64 in the code')

    def test_fields_and_structs_that_only_one_side_knows_are_refused(self):
        self.assert_broken(self.layout(document=TABLE + '| 8 | `more` | 8 | sender | |\n'),
                           'docs/layout.md:1: Line::more is at 8 here, at None')
        self.assert_broken(self.layout(document=TABLE.split('\n', maxsplit=1)[0] + '\n'),
                           'docs/layout.md:1: Line::word is at None here')
        self.assert_broken(self.layout(document=TABLE + '## Other, 64 bytes\n'),
                           'docs/layout.md:3: Other is missing in transport/layout')
        self.assert_broken(self.layout(document='# nothing\n'), 'docs/layout.md:0: Line is missing in docs')

    def test_rows_that_overlap_are_refused(self):
        self.assert_broken(self.layout(document=TABLE.replace('| 8 | sender', '| 65 | sender')),
                           'docs/layout.md:2: word overlaps')


class NameRuleTest(RulesTest):
    HEADER = GUARD + ('// Old() is gone.\nclass Waiter {\n  ~Waiter();\n  void Sleep();\n'
                      '  static constexpr int kLongest = 1;\n};\n')

    def named(self, text: str, path: str = 'docs/wakeup.md') -> Dict[str, str]:
        return {path: text, 'transport/wait/waiter.h': self.HEADER}

    def test_what_the_code_has_may_be_named(self):
        self.assert_clean(self.named('`Waiter::Sleep`, Waiter::~Waiter and `kLongest`'))

    def test_what_the_code_does_not_have_is_refused(self):
        self.assert_broken(self.named('one\n`Waiter::Wake` and `kShortest`'),
                           'docs/wakeup.md:2: the code has no Waiter::Wake',
                           'docs/wakeup.md:2: the code has no kShortest')
        self.assert_broken(self.named('`Sleeper::Sleep`'), 'docs/wakeup.md:1: the code has no Sleeper::Sleep')

    def test_a_comment_is_no_code(self):
        self.assert_broken(self.named('`Waiter::Old`'), 'docs/wakeup.md:1: the code has no Waiter::Old')

    def test_models_are_held_to_the_same(self):
        self.assert_broken(self.named('/* Waiter::Wake */', 'tests/models/wakeup.pml'),
                           'tests/models/wakeup.pml:1: the code has no Waiter::Wake')


if __name__ == '__main__':
    unittest.main()
