"""What goes on while tombolod is killed: processes that talk, processes that come and go, machines that ring."""

import json
import os
import re
import signal
import subprocess
import sys
import threading

sys.path.insert(0, "tests/control/ivshmem_server/qtest")
from qemu import Qemu  # pylint: disable=wrong-import-position

TIMEOUT_S = 60


class Talk:
    """Two processes that send each other a message every few milliseconds and check each that comes."""

    def __init__(self, program, broker, folder):
        self._logs = [os.path.join(folder, f"talk-{me}") for me in (0, 1)]
        self._processes = []
        for me in (0, 1):
            with open(self._logs[me], "wb") as log:
                self._processes.append(subprocess.Popen(
                    [program, broker, f"talk-{me}", "0", f"talk-{1 - me}", "endless"], stdout=log, stderr=log))

    def received(self):
        counts = []
        for log in self._logs:
            with open(log, encoding="utf-8") as text:
                counts.append(int((re.findall(r"^received (\d+)$", text.read(), re.M) or ["0"])[-1]))
        return counts

    def is_going_on(self):
        return all(process.poll() is None for process in self._processes)

    def end(self):
        """One side leaves, which the other is told; what each reports."""
        self._processes[0].send_signal(signal.SIGTERM)
        reports = []
        for process, log in zip(self._processes, self._logs):
            code = process.wait(TIMEOUT_S)
            with open(log, encoding="utf-8") as text:
                said = text.read()
            if code != 0:
                raise AssertionError(f"it ended with {code}: {said[-500:]}")
            reports.append(json.loads(said.splitlines()[-1]))
        return reports

    def kill(self):
        for process in self._processes:
            process.kill()
            process.wait()


class Churn:
    """Processes that attach, ask for a doorbell, and detach, one after another; none of them may notice a kill."""

    def __init__(self, program, broker):
        self._command = [program, broker, "churn", "0", "talk-0", "poll", "0"]
        self._stop = threading.Event()
        self.count = 0
        self.faults = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            done = subprocess.run(self._command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
            self.count += 1
            if done.returncode != 0:
                self.faults.append(done.stderr)

    def end(self):
        self._stop.set()
        self._thread.join()


class Machines:
    """Two QEMUs in the first slots, which ring each other."""

    def __init__(self, path_of, vectors):
        self.all = []
        self._vectors = vectors
        for slot in (1, 2):
            self.all.append(Qemu(path_of(slot), vectors))

    def check(self, number):
        """Each rings the other, by another vector each time."""
        vector = 1 + number % (self._vectors - 1)
        for sender, (slot, receiver) in zip(self.all, [(2, self.all[1]), (1, self.all[0])]):
            receiver.clear_interrupts()
            sender.ring(slot, vector)
            receiver.wait_for_interrupt(vector)
        said = [machine.stderr() for machine in self.all]
        if said != ["", ""]:
            raise AssertionError(f"QEMU said {said}")

    def kill(self):
        for machine in self.all:
            if machine.is_running():
                machine.kill()
