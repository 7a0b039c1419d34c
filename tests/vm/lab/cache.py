"""Where the lab keeps what is costly to find out or to build: ~/.cache/tombolo-lab."""

import os
from pathlib import Path


def folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "tombolo-lab"
    path.mkdir(parents=True, exist_ok=True)
    return path


def publish(path: Path, content: bytes) -> None:
    """Writes a file so that others see all of it or nothing: two labs may start at once."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.write_bytes(content)
    draft.rename(path)
