"""A small disk for a test, which is soon full."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.logs.process import ROOT


def on_a_small_disk(module: str, size: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run ``python -m module fill folder`` where the folder is a disk of a size, such as ``4m``.

    Skip the test where none can be mounted; in CI, where root can, fail it.
    """
    alone = private()
    if alone is None:
        reason = "a small disk cannot be mounted here"
        if os.environ.get("CI") and os.geteuid() == 0:
            pytest.fail(reason)
        pytest.skip(reason)
    program = f'mount -t tmpfs -o size={size} none "$1" && exec "$2" -m {module} fill "$1"'
    return subprocess.run(
        [*alone, "sh", "-c", program, "sh", str(folder), sys.executable],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def private() -> list[str] | None:
    """The command before another that gives it mounts of its own; None where that is not permitted."""
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        if shutil.which("unshare"):
            tried = subprocess.run([*command, "true"], check=False, capture_output=True)
            if tried.returncode == 0:
                return command
    return None
