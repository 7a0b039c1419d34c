"""Who starts a killed tombolod anew: its own holder, or something that does what systemd does.

Both have: kill(), which does not wait; wait_until_ready(), once per start; pids(), the daemon's first; stop(); and
abandon(), for a test that has failed.
"""

import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

TIMEOUT_S = 60
FIRST_PASSED_FD = 3  # sd_listen_fds(3).
# Descriptors of the store are kept up there, where none is in the way of those that are passed on.
STORE_FDS_BEGIN = 2000


class Manager:
    """A folder with the runtime folder, the log and the socket of $NOTIFY_SOCKET in it."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="restart_", dir="/tmp")
        self.runtime_dir = os.path.join(self.folder, "run")
        self.log_path = os.path.join(self.folder, "log")
        path = os.path.join(self.folder, "notify.sock")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(path)
        self._notify.settimeout(TIMEOUT_S)
        self._env = {**os.environ, "NOTIFY_SOCKET": path}

    def path(self, name):
        return os.path.join(self.runtime_dir, name)

    def log(self):
        with open(self.log_path, encoding="utf-8") as log:
            return log.read()

    def abandon(self):
        """Without a word to anybody; nothing after stop()."""
        if not os.path.exists(self.folder):
            return
        for pid in reversed(self.pids()):
            os.kill(pid, signal.SIGKILL)
        self._close()

    def _close(self):
        self._notify.close()
        shutil.rmtree(self.folder)


class HolderManager(Manager):
    name = "holder"

    def __init__(self, program, *flags):
        super().__init__()
        with open(self.log_path, "wb") as log:
            self._holder = subprocess.Popen(
                [program, "--runtime-dir", self.runtime_dir, "--store", "holder", *flags],
                env=self._env, stderr=log)
        self.wait_until_ready()

    def pids(self):
        pid = self._holder.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
            return [*map(int, children.read().split()), pid]

    def kill(self):
        child, _ = self.pids()
        os.kill(child, signal.SIGKILL)

    def wait_until_ready(self):
        said = self._notify.recv(4096)
        if said != b"READY=1":
            raise AssertionError(f"tombolod said {said!r}")

    def stop(self):
        """Its exit code and the sockets that it left."""
        self._holder.terminate()
        code = self._holder.wait(TIMEOUT_S)
        left = os.listdir(self.runtime_dir)
        self._close()
        return code, left


class SystemdManager(Manager):
    """The descriptor store of sd_pid_notify_with_fds(3), and a restart at once."""

    name = "systemd"

    def __init__(self, program, *flags):
        super().__init__()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._command = [program, "--runtime-dir", self.runtime_dir, "--store", "systemd", *flags]
        self._store = {}
        self._ready = threading.Semaphore(0)
        self._marked = threading.Semaphore(0)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._pid = self._start()
        self.wait_until_ready()

    def pids(self):
        return [self._pid]

    def kill(self):
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._hear_all()
        self._pid = self._start()

    def wait_until_ready(self):
        if not self._ready.acquire(timeout=TIMEOUT_S):
            raise AssertionError("tombolod did not say that it is ready: " + self.log())

    def stop(self):
        """Its exit code; the sockets are left to a successor, but those of gRPC are not."""
        os.kill(self._pid, signal.SIGTERM)
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._say("STOP=1")
        self._listener.join()
        left = [name for name in os.listdir(self.runtime_dir) if name in ("control.sock", "guest.sock")]
        for fd in self._store.values():
            os.close(fd)
        self._close()
        return code, left

    def _start(self):
        env = {**self._env, "LISTEN_FDS": str(len(self._store)), "LISTEN_FDNAMES": ":".join(self._store)}
        actions = [(os.POSIX_SPAWN_DUP2, fd, FIRST_PASSED_FD + i) for i, fd in enumerate(self._store.values())]
        actions.append((os.POSIX_SPAWN_OPEN, 2, self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644))
        # $LISTEN_PID is the program's own.
        words = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *self._command]
        return os.posix_spawn(words[0], words, env, file_actions=actions)

    def _say(self, text):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(self._env["NOTIFY_SOCKET"])
            sender.send(text.encode())

    def _hear_all(self):
        """Returns when all has been heard that was said until now."""
        self._say("MARK=1")
        if not self._marked.acquire(timeout=TIMEOUT_S):
            raise AssertionError("the manager's own thread is gone")

    def _listen(self):
        self._notify.settimeout(None)
        while True:
            said, fds, _, _ = socket.recv_fds(self._notify, 4096, 2)
            lines = dict(line.split("=", 1) for line in said.decode().splitlines())
            if "STOP" in lines:
                return
            if "FDSTORE" in lines:
                self._keep(lines["FDNAME"], *fds)
            elif "FDSTOREREMOVE" in lines:
                os.close(self._store.pop(lines["FDNAME"]))
            elif "MARK" in lines:
                self._marked.release()
            elif "READY" in lines:
                self._ready.release()

    def _keep(self, name, fd):
        if name in self._store:
            raise AssertionError(f"{name} is stored twice")
        self._store[name] = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, STORE_FDS_BEGIN)
        os.close(fd)


MANAGERS = [HolderManager, SystemdManager]
