"""Fixtures for recorded sessions, and how hard Hypothesis tries.

``recordings`` is the folder; ``recording`` runs a test once per file in it. Without the folder such tests
skip and say so; with ``RTSTATE_REQUIRE_RECORDINGS`` or ``CI`` set they fail instead.

Property tests take 60 examples by default, 1,000 and always the same ones when ``CI`` is set, and as many as
``RTSTATE_EXAMPLES`` says when it is set.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.recordings_support import recording_names, recordings_folder, recordings_required

_CI = bool(os.environ.get("CI"))
_EXAMPLES = os.environ.get("RTSTATE_EXAMPLES")

settings.register_profile(
    "rtstate",
    max_examples=int(_EXAMPLES) if _EXAMPLES else 1000 if _CI else 60,
    derandomize=_CI,
    print_blob=True,
    deadline=None,  # a busy machine is not a failure
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("rtstate")


@pytest.fixture(scope="session")
def recordings() -> Path:
    folder = recordings_folder()
    if not recording_names():
        message = f"no recorded sessions in {folder}; RTSTATE_RECORDINGS names their folder"
        if recordings_required():
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(params=recording_names() or ["none"])
def recording(recordings: Path, request: pytest.FixtureRequest) -> Path:
    return recordings / f"{request.param}.jsonl"
