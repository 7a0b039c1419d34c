#!/usr/bin/python3
"""The C interface, used by a plain C program beside a real tombolod.

Usage: c_interface_test.py TOMBOLOD C_INTERFACE_CHECK
"""

import os
import subprocess
import sys

sys.path.insert(0, 'tests/support')
from tombolod import Tombolod  # pylint: disable=wrong-import-position

TIMEOUT_S = 60


def main(tombolod, check):
    daemon = Tombolod(tombolod, '--size', '64M')
    try:
        broker = os.path.join(daemon.runtime_dir, 'broker.sock')
        return subprocess.run([check, broker], timeout=TIMEOUT_S, check=False).returncode
    finally:
        daemon.stop()


if __name__ == '__main__':
    sys.exit(main(*(os.path.abspath(path) for path in sys.argv[1:])))
