"""What any version of this library has written every later one reads: see ``tests/data/formats``."""

import importlib
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from rtstate import CheckpointError, Conversation, DocumentError, Replica, Snapshot, checkpoint
from rtstate.document import FORMAT
from tests.data.formats import __main__ as formats
from tests.helpers import assert_subset
from tests.laws_support import canonical

FOLDER = Path(__file__).parent / "data" / "formats"
CHECKPOINTS = sorted(FOLDER.glob("checkpoint-*.bin"))
DOCUMENTS = sorted(each for each in FOLDER.glob("document-*.json") if each.suffixes == [".json"])
BY_NAME: dict[str, Any] = {"ids": lambda path: path.stem}


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


# Checkpoints


def test_there_is_a_file_of_every_version() -> None:
    assert [each.stem for each in CHECKPOINTS] == [
        f"checkpoint-{number}" for number in range(1, checkpoint.VERSION + 1)
    ]
    number = int(FORMAT.rpartition("/")[2])
    assert [each.stem for each in DOCUMENTS] == [f"document-{each}" for each in range(1, number + 1)]


@pytest.mark.parametrize("path", CHECKPOINTS, **BY_NAME)
def test_a_checkpoint_of_any_version_goes_on(path: Path) -> None:
    data, story = path.read_bytes(), load(path.with_suffix(".json"))
    assert data.startswith(b"rtstate-checkpoint/%d\n" % int(path.stem.rpartition("-")[2]))
    conversation = Conversation.restore(data)
    conversation._draft._check()
    assert_subset(conversation.snapshot().to_dict(), story["document"])
    assert len(conversation.audio("a1")) == 20 * 48
    for each, patch in zip(story["events"], story["patches"], strict=True):
        found = conversation.feed(each).patch()
        assert canonical(found) == canonical(patch), each["type"]
    assert_subset(conversation.snapshot().to_dict(), story["after"])
    assert conversation.stats.duplicates == 2
    assert Conversation.restore(conversation.checkpoint()).snapshot() == conversation.snapshot()


def test_the_shape_of_a_version_is_fixed() -> None:
    """If this fails, the payload of checkpoints has changed since the version was made.

    Raise ``VERSION`` in ``checkpoint.py``, add a step that makes the new payload of the old one, and run
    ``python -m tests.data.formats`` for the files of the new version.
    """
    assert formats.shape_of_checkpoints() == load(FOLDER / f"checkpoint-{checkpoint.VERSION}.shape.json")


def test_the_file_holds_something_of_everything() -> None:
    """Else a version could lose what the file does not have, and nobody would see."""
    saved, _, _ = checkpoint.unpack(CHECKPOINTS[-1].read_bytes())
    draft = saved["draft"]
    shapes = formats.shape_of_checkpoints()
    assert [name for name in shapes["SavedDraft"] if draft[name] in ([], {}, None)] == []
    assert all(draft["order"].values())
    assert saved["anomalies"]
    assert saved["seen"]["recent"]
    assert saved["sent"]["recent"]
    assert {each["kind"] for each in draft["requests"]} == {"create", "delete", "truncate"}
    for name, entities in {
        "SavedItem": draft["items"],
        "SavedPart": [part for item in draft["items"] for part in item.get("parts", ())],
        "SavedResponse": draft["responses"],
    }.items():
        told = {key for each in entities for key in each}
        assert {key.rstrip("?") for key in shapes[name]} <= told


def test_the_files_are_what_their_maker_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = formats.make()
    assert set(made) <= {each.name for each in FOLDER.iterdir()}
    monkeypatch.setattr(formats, "FOLDER", tmp_path)
    (tmp_path / "document-1.json").write_text("as it was")
    formats.main()
    assert {each.name for each in tmp_path.iterdir()} == set(made)
    assert (tmp_path / "document-1.json").read_text() == "as it was"


def test_a_changed_shape_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = importlib.import_module("rtstate._draft.saved")
    assert formats.shape_of_checkpoints() == formats.shape_of_checkpoints()
    monkeypatch.setitem(saved.SavedRequest.__annotations__, "index", str)
    with pytest.raises(AssertionError):
        test_the_shape_of_a_version_is_fixed()


# Documents


@pytest.mark.parametrize("path", DOCUMENTS, **BY_NAME)
def test_a_document_of_any_version_is_read_whole_and_goes_on(path: Path) -> None:
    document, story = load(path), load(path.with_suffix(".story.json"))
    snapshot = Snapshot.from_dict(document)
    assert_subset(snapshot.to_dict(), document)
    replica = Replica(snapshot)
    for patch in story["patches"]:
        assert not patch or replica.apply(patch)
    assert_subset(replica.snapshot().to_dict(), story["after"])


def test_nothing_is_missing_in_a_document_of_today() -> None:
    """Keys may be added to a format; one that goes, or means something else, makes a new format."""
    conversation = Conversation(audio="keep", history=50)
    for each in formats.before():
        conversation.feed(each)
    assert_subset(conversation.snapshot().to_dict(), load(DOCUMENTS[-1]))


def entities(document: Any) -> dict[str, Any]:
    """Every kind of object that an added key is passed over in."""
    return {
        "the document": document,
        "an item": document["items"]["a1"],
        "a part": document["items"]["a1"]["content"][0],
        "a response": document["responses"]["r1"],
    }


@pytest.mark.parametrize("where", ["the document", "an item", "a part", "a response"])
def test_a_key_of_a_later_version_is_passed_over(where: str) -> None:
    document = load(DOCUMENTS[-1])
    later = deepcopy(document)
    entities(later)[where]["of_a_later_version"] = {"a": 1}
    assert Snapshot.from_dict(later).to_dict() == document


@pytest.mark.parametrize("where", ["an item", "a part", "a response"])
def test_a_key_that_every_version_has_is_missed(where: str) -> None:
    document = load(DOCUMENTS[-1])
    del entities(document)[where]["extra"]
    with pytest.raises(DocumentError, match="'extra' is missing"):
        Snapshot.from_dict(document)


def test_other_formats_are_refused() -> None:
    with pytest.raises(DocumentError, match="newer formats need a newer rtstate"):
        Snapshot.from_dict({**load(DOCUMENTS[-1]), "format": "rtstate/2"})
    newer = CHECKPOINTS[-1].read_bytes().replace(b"/1\n", b"/7\n", 1)
    with pytest.raises(CheckpointError, match="restore it with a newer one"):
        Conversation.restore(newer)
