"""Where the recorded sessions are, and what they are called."""

import os
from pathlib import Path

_DEFAULT = Path(__file__).resolve().parents[1] / "../shared/recordings"


def recordings_folder() -> Path:
    return Path(os.environ.get("RTSTATE_RECORDINGS") or _DEFAULT).resolve()


def recordings_required() -> bool:
    """CI must never pass because the recordings were not there."""
    return any(os.environ.get(name) for name in ("RTSTATE_REQUIRE_RECORDINGS", "CI"))


def recording_names() -> list[str]:
    """The file names without ``.jsonl``, sorted; empty when there are no recordings."""
    return sorted(path.stem for path in recordings_folder().glob("*.jsonl"))
