"""Builds the guests' initramfs: busybox, the kernel modules and init.sh, as an uncompressed cpio archive.

It is uncompressed because an emulated guest takes longer to unpack it than QEMU takes to load it.
"""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import cache
from .deadline import LabError
from .kernel import Kernel

INIT = Path(__file__).with_name("init.sh")
BUSYBOX = "bin/busybox"  # In the root of the kernel.
KEY_DIGITS = 12


def build(kernel: Kernel) -> Path:
    """The archive for this kernel, from the cache when neither init.sh nor the list of modules changed."""
    ingredients = INIT.read_bytes() + " ".join(kernel.architecture.modules).encode() + str(kernel.image.stat().st_mtime).encode()
    key = hashlib.sha256(ingredients).hexdigest()[:KEY_DIGITS]
    archive = cache.folder() / f"initramfs-{kernel.version}-{key}.cpio"
    if not archive.exists():
        cache.publish(archive, _archive(kernel))
    return archive


def _archive(kernel: Kernel) -> bytes:
    busybox = kernel.root / BUSYBOX
    if not busybox.exists():
        raise LabError(f"no {busybox} for the guests' initramfs; install the package busybox-static")
    with tempfile.TemporaryDirectory(prefix="tombolo-initramfs-") as name:
        root = Path(name)
        _fill(root, kernel)
        paths = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        packed = subprocess.run(
            ["cpio", "--create", "--format=newc", "--quiet"],
            cwd=root,
            input=paths.encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        return packed.stdout


def _fill(root: Path, kernel: Kernel) -> None:
    (root / "bin").mkdir()
    (root / "modules").mkdir()
    shutil.copy(kernel.root / BUSYBOX, root / "bin/busybox")
    shutil.copy(INIT, root / "init")
    (root / "init").chmod(0o755)
    files = kernel.module_files()
    for file in files:
        shutil.copy(file, root / "modules")
    (root / "modules/order").write_text("".join(f"{file.name}\n" for file in files))
