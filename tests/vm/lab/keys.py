"""Throw-away ssh keys: root logs in without a password between all members of one lab, and nowhere else.

Everything lies in /run/lab, which is a tmpfs of the lab on the host side and of the guest inside, so that the same
ssh_config works in both.
"""

import shutil
from pathlib import Path

from .process import run

FOLDER = Path("/run/lab")
FILES = ("user_key", "user_key.pub", "host_key", "sshd_config")

SSH_CONFIG = f"""Host *
  User root
  IdentityFile {FOLDER}/user_key
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
  ConnectTimeout 10
"""

SSHD_CONFIG = f"""HostKey {FOLDER}/host_key
AuthorizedKeysFile {FOLDER}/user_key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
UseDNS no
PidFile /run/sshd.pid
Subsystem sftp internal-sftp
"""


def create() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for key in ("user_key", "host_key"):
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "tombolo-lab", "-f", FOLDER / key])
    (FOLDER / "sshd_config").write_text(SSHD_CONFIG)


def remove() -> None:
    shutil.rmtree(FOLDER)
