import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from rtstate import Conversation, Operation, simulate
from rtstate.cli._happenings import names
from rtstate.cli._words import short_type, told
from rtstate.wire import CLIENT_HANDLERS, HANDLERS
from tests.cli.support import added, invoke, recorded, said, saved_example

LONG = "item_CdEfGhIjKlMnOpQrStUvW"
APPEND = {"type": "input_audio_buffer.append", "audio": "AAAA"}
CREATED = {"type": "response.created", "response": {"id": "resp_1"}}
DONE = {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "output": []}}


def log(*words: str, events: list[Any], every: float | None = None, width: int = 100) -> list[str]:
    """The lines below the head, without the spaces at their end."""
    result = invoke("log", "-", *words, stdin=recorded(*events, every=every), width=width)
    assert result.exit_code == 0, result.output
    return [line.rstrip() for line in result.stdout.splitlines()[1:]]


def numbers(*words: str, events: list[Any], every: float | None = None) -> list[int]:
    result = invoke("log", "-", *words, "--json", stdin=recorded(*events, every=every))
    assert result.exit_code == 0, result.output
    return [json.loads(line)["number"] for line in result.stdout.splitlines()]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_example(tmp_path_factory.mktemp("recordings"))


def test_the_example_at_100_columns(call: Path) -> None:
    lines = [line.rstrip() for line in invoke("log", str(call)).stdout.splitlines()]
    assert lines[:3] == [
        "   #  rev     time  event                       what it changed",
        "   1    1    0.000  session.created             session sess_…zhWvK, gpt-realtime",
        "   2    ·    0.086  session.update",
    ]
    for line in (
        "   5    3    0.759  resp.created                + resp_…nBbWE · conversation conv_…de1Qr",
        "   6    4    1.150  resp.output_item.added      + item_…4VHbC assistant message",
        "   7    5    1.150  item.added                  order: item_…4VHbC to 0",
        "   8    6    1.150  resp.content_part.added     item_…4VHbC + part output_audio",
        "  12   10    1.270  resp.output_audio.delta     ×17 item_…4VHbC audio 4.33 s",
        "  43   40    2.483  resp.transcript.done        item_…4VHbC final",
        "  47   42    2.483  resp.done                   resp_…nBbWE completed, 210 tokens",
        "  50   44    6.621  input.speech_started        + item_…LSFW9 user message · user speaks, at 6.26 s",
        "  51    ·    6.621  input.append                ×23",
        "  74   45   11.141  input.speech_stopped        user stops, at 10.98 s",
        " 159  125   18.651  item.added                  + item_…WEUJi user message “LH-40291”, to 3",
    ):
        assert line in lines, line


@pytest.mark.parametrize("width", [30, 80, 100])
def test_the_lines_fit(call: Path, width: int) -> None:
    for words in ([], ["--all"]):
        shown = invoke("log", str(call), *words, width=width).stdout.splitlines()
        assert max(map(cell_len, shown)) <= width


def test_shortened_types_stay_apart() -> None:
    known = {*HANDLERS, *CLIENT_HANDLERS}
    assert len({short_type(each) for each in known}) == len(known)


@pytest.mark.parametrize(
    ("events", "line"),
    [
        (
            [added("item_1", content=[{"type": "input_text", "text": "Hi"}])],
            "   1    1  item.added                  + item_1 user message “Hi”, to 0",
        ),
        (
            [added("item_1", type="mcp_list_tools", server_label="x")],
            "   1    1  item.added                  + item_1 mcp list tools, to 0",
        ),
        (
            [added("item_1", type="hologram", content="x", output=[1])],
            "   1    1  item.added                  + item_1 hologram [1], to 0",
        ),
        (
            [added("item_1", type="function_call", name="f", arguments="{}")],
            "   1    1  item.added                  + item_1 call of f “{}”, to 0",
        ),
        (
            [added("item_1", type="function_call")],
            "   1    1  item.added                  + item_1 call of (no name yet), to 0",
        ),
        (
            [added("item_1", type="function_call_output", output="ok")],
            "   1    1  item.added                  + item_1 output of a call “ok”, to 0",
        ),
        (
            [added("18a5d13c-fc90-48fa-8059-001a99b90d77")],
            "   1    1  item.added                  + item …b90d77 user message, to 0",
        ),
        (
            [added("item_1"), {"type": "conversation.item.deleted", "item_id": "item_1"}],
            "   2    2  item.deleted                − item_1",
        ),
        ([DONE], "   1    1  resp.done                   + resp_1 completed"),
        (
            [
                CREATED,
                DONE
                | {
                    "response": DONE["response"]
                    | {"status": "cancelled", "status_details": {"reason": "turn_detected"}}
                },
            ],
            "   2    2  resp.done                   resp_1 turn_detected, cancelled",
        ),
        (
            [{"type": "error", "error": {"code": "bad", "message": "No\nno."}}],
            "   1    1  error                       error bad: No↵no.",
        ),
        ([{"type": "ping"}], "   1    ·  ping"),
        (
            [added("item_1") | {"event_id": "e"}] * 2,
            "   2    ·  item.added                  item_1, a repeat",
        ),
        (
            [CREATED, {"type": "response.output_audio.done", "response_id": "resp_1", "item_id": "item_1"}],
            "   2    ·  resp.output_audio.done      resp_1, item_1",
        ),
        (
            [{"type": "conversation.created", "conversation": {"id": "conv_1"}}],
            "   1    1  conversation.created        conversation conv_1",
        ),
        (
            [{"type": "session.created", "session": {"model": "m"}}],
            "   1    1  session.created             session m",
        ),
        (
            [
                {
                    "type": "rate_limits.updated",
                    "rate_limits": [{"name": "tokens", "remaining": 9000}, {"name": "requests"}],
                }
            ],
            "   1    1  rate_limits.updated         rate limits: tokens 9,000 left, requests ? left",
        ),
        (
            [{"type": "session.input_transcript.delta", "delta": "Hi"}],
            "   1    1  session.input_transcript.delta  input “Hi”",
        ),
        (["not json"], "   1    ·  (unreadable)"),
    ],
)
def test_what_an_event_changed_is_told_in_words(events: list[Any], line: str) -> None:
    if events == ["not json"]:
        events = [*events, {"type": "ping"}]
    assert line in log(events=events)


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ([("append", ("items", "item_1", "content", 0, "text"), " x")], "item_1 +“ x”"),
        ([("replace", ("items", "item_1", "content", 1, "audio_ms"), 1240)], "item_1 part 1 audio 1.24 s"),
        ([("replace", ("items", "item_1", "content", 0, "audio_ms"), None)], "item_1 audio_ms null"),
        (
            [("replace", ("items", "item_1", "content", 0, "truncated"), {"audio_end_ms": 3100})],
            "item_1 cut at 3.10 s",
        ),
        (
            [
                (
                    "replace",
                    ("items", "item_1", "content", 0, "transcription"),
                    {"status": "failed", "error": {"message": "no"}},
                )
            ],
            "item_1 transcript failed: no",
        ),
        (
            [
                (
                    "replace",
                    ("items", "item_1", "content", 0, "transcription"),
                    {"status": "failed", "error": None},
                )
            ],
            "item_1 transcript failed",
        ),
        (
            [
                (
                    "replace",
                    ("items", "item_1", "content", 0, "transcription"),
                    {"status": "final", "error": None},
                )
            ],
            "item_1 transcribed",
        ),
        (
            [
                (
                    "replace",
                    ("items", "item_1", "content", 0, "transcription"),
                    {"status": "partial", "error": None},
                )
            ],
            "item_1 transcript partial",
        ),
        ([("remove", ("items", "item_1", "content", 1), None)], "item_1 − part 1"),
        (
            [("add", ("items", "item_1", "content", 0), {"type": None, "text": "x"})],
            "item_1 + part of unknown type “x”",
        ),
        (
            [("add", ("items", "item_1", "content", 0, "extra", "languages"), ["en"])],
            'item_1 extra.languages ["en"]',
        ),
        ([("remove", ("items", "item_1", "extra", "a"), None)], "item_1 extra.a gone"),
        (
            [
                ("replace", ("items", "item_1", "ready"), True),
                ("replace", ("items", "item_1", "status"), "in_progress"),
            ],
            "item_1 ready, in progress",
        ),
        ([("replace", ("items", "item_1", "ready"), False)], "item_1 not ready"),
        ([("replace", ("items", "item_1", "previous_item_id"), "item_0")], "item_1 after item_0"),
        (
            [("replace", ("items", "item_1", "previous_item_id"), "item_0"), ("add", ("order", 1), "item_1")],
            "order: item_1 to 1",
        ),
        ([("replace", ("items", "item_1", "response_id"), "resp_1")], "item_1 of resp_1"),
        ([("replace", ("items", "item_1"), {"type": "message", "role": "user"})], "item_1 user message"),
        (
            [("replace", ("items", "item_1"), {"type": "message", "content": [5, {"text": 5}]})],
            "item_1 unknown message",
        ),
        ([("remove", ("order", 0), None), ("add", ("order", 2), "item_1")], "order: item_1 from 0 to 2"),
        ([("remove", ("order", 3), None)], "order: one from 3 left"),
        ([("add", ("responses", "resp_1", "output", 0), "item_1")], "resp_1 + item_1"),
        ([("replace", ("responses", "resp_1", "output"), ["item_1"])], 'resp_1 output ["item_1"]'),
        ([("replace", ("responses", "resp_1", "usage"), None)], "resp_1 usage null"),
        ([("replace", ("responses", "resp_1", "status_details"), {"type": "x"})], 'resp_1 {"type": "x"}'),
        ([("replace", ("responses", "resp_1", "status_details"), "odd")], "resp_1 status_details “odd”"),
        ([("remove", ("responses", "resp_1"), None)], "− resp_1"),
        (
            [("add", ("responses", "resp_1"), {"status": "failed", "usage": {"total_tokens": 7}})],
            "+ resp_1 failed, 7 tokens",
        ),
        ([("replace", ("usage", "transcription", "total_tokens"), 1234)], "transcripts: 1,234 tokens in all"),
        ([("replace", ("usage", "transcription", "seconds"), 1.5)], "transcripts: 1.5 seconds in all"),
        ([("replace", ("usage", "responses", "total_tokens"), 8)], "responses: 8 tokens in all"),
        ([("replace", ("usage", "responses", "count"), 8)], ""),
        (
            [
                ("add", ("session", "tools"), []),
                ("add", ("session", "audio", "input"), {}),
                ("remove", ("session", "x"), None),
            ],
            "session tools, audio · − session x",
        ),
        (
            [
                ("replace", ("input_audio", "item_id"), "item_1"),
                ("replace", ("input_audio", "speech_stopped_ms"), None),
            ],
            "",
        ),
        ([("replace", ("rate_limits", "tokens", "remaining"), 5)], "rate_limits tokens.remaining 5"),
        ([("remove", ("errors", 0), None)], ""),
        ([("add", ("translation",), {"input_transcript": "Hi", "output_transcript": None})], "input “Hi”"),
        ([("remove", ("translation",), None)], "translation gone"),
        ([("replace", ("revision",), 5)], ""),
    ],
)
def test_operations_in_words(operations: list[tuple[str, tuple[str | int, ...], Any]], words: str) -> None:
    assert told(Operation(*each) for each in operations).plain == words


def test_runs_of_deltas_are_one_line_each_side_by_side() -> None:
    voice = {"type": "response.output_audio.delta", "item_id": "item_2", "response_id": "resp_1"}
    voice["delta"] = "AAAA" * 1000
    opening = [CREATED, said("item_1", "Hel"), voice]
    events = [*opening, said("item_1", "lo"), APPEND, voice, APPEND, said("item_1", "!"), voice, DONE]
    assert log(events=events, width=84)[3:] == [
        "   4    4  resp.output_text.delta      ×2 item_1 +“lo!”",
        "   5    ·  input.append                ×2",
        "   6    5  resp.output_audio.delta     ×2 item_2 audio 0.19 s",
        "  10    8  resp.done                   resp_1 completed · item_1 final, completed ·…",
    ]
    assert [line.split()[0] for line in log("--all", events=events)] == [str(n) for n in range(1, 11)]


def test_a_run_ends_with_an_event_that_is_not_shown_too() -> None:
    events = [said("item_1", "a"), said("item_1", "b"), {"type": "response.create"}, said("item_1", "c")]
    lines = log("--type", "*.delta", events=events)
    assert [line[39:] for line in lines] == [
        "+ item_1 assistant message “a”, to 0 · + resp_1",
        "item_1 +“b”",
        "item_1 +“c”",
    ]


def test_a_long_run_is_told_before_it_ends_and_keeps_no_more_text_than_is_shown() -> None:
    lines = log(events=[said("item_1", "word ")] * 2502)
    assert [line[39:].split()[0] for line in lines] == ["+", "×1000", "×1000", "×501"]


def test_the_same_anomaly_again_and_again_is_told_once() -> None:
    events = [{"type": "strange.delta"}] * 3 + [{"type": "stranger.delta"}]
    assert log(events=events) == [
        "   1    ·  strange.delta               ×3",
        "           ! unknown: an event of the type 'strange.delta'; ignored",
        "   4    ·  stranger.delta",
        "           ! unknown: an event of the type 'stranger.delta'; ignored",
    ]


def test_times_are_shown_from_the_first_one_on_and_in_the_form_that_at_takes() -> None:
    lines = recorded({"type": "ping"}) + "".join(
        json.dumps({"at": at, "event": {"type": "response.create"}}) + "\n" for at in (9, 71.5, 4000)
    )
    shown = invoke("log", "-", stdin=lines).stdout.splitlines()
    assert [line.rstrip() for line in shown] == [
        "   #  rev  event                       what it changed",
        "   1    ·  ping",
        "   2    ·    0.000  resp.create",
        "   3    · 1:02.500  resp.create",
        "   4    · 1:06:31.000  resp.create",
    ]


NO_TIMES = (
    "standard input has no times: name a revision instead, from 0 to 7, "
    'or record each line as {"at": seconds, "event": {...}}'
)
IDS = "item_1, item_CdEfGhIjKlMnOpQrStUvW, item_3"
FILTERED = [
    CREATED,  # 1
    said("item_1", "Hi"),  # 2
    {"type": "strange", "item_id": "item_1"},  # 3
    added(LONG),  # 4
    added("item_3") | {"previous_item_id": LONG},  # 5
    {"type": "response.output_text.done", "item_id": "item_1", "text": "Hi"},  # 6
    "not json",  # 7
    {"type": "response.created", "response": {"id": "resp_2"}},  # 8
    DONE,  # 9
]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (["--type", "response.*"], [1, 2, 6, 8, 9]),
        (["--type", "resp.created", "--type", "*.done"], [1, 6, 8, 9]),
        (["--type", "response"], []),
        (["--changes"], [1, 2, 4, 5, 6, 8, 9]),
        (["--anomalies"], [3, 7]),
        (["--item", "item_1"], [2, 3, 6, 9]),
        (["--item", LONG], [4, 5]),
        (["--item", "UvW"], [4, 5]),
        (["--item", "item_Cd"], [4, 5]),
        (["--item", "item_…StUvW"], [4, 5]),
        (["--item", "item_3", "--item", "item_1"], [2, 3, 5, 6, 9]),
        (["--response", "resp_1"], [1, 2, 3, 6, 9]),
        (["--response", "_2"], [8]),
        (["--response", "resp_1", "--item", "item_1", "--type", "*.delta"], [2]),
        (["--from", "2"], [2, 3, 4, 5, 6, 7, 8, 9]),
        (["--from", "3", "--to", "4"], [4, 5]),
        (["--to", "1"], [1]),
        (["--to", "99"], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (["--from", "3", "--to", "5", "--anomalies"], [7]),
    ],
)
def test_filters(words: list[str], expected: list[int]) -> None:
    assert numbers(*words, events=FILTERED) == expected


def test_times_bound_the_log() -> None:
    events = FILTERED[:6]
    assert numbers("--from", "10s", "--to", "0:40", events=events, every=10) == [2, 3, 4, 5]
    assert numbers("--from", "15s", events=events, every=10) == [3, 4, 5, 6]
    assert numbers("--to", "5s", events=events, every=10) == [1]


def test_what_comes_before_the_first_time_waits_for_it() -> None:
    stdin = recorded({"type": "ping"}) + recorded(*FILTERED[:3], every=10)
    shown = invoke("log", "-", "--to", "10s", "--json", stdin=stdin).stdout.splitlines()
    assert [json.loads(line)["number"] for line in shown] == [1, 2, 3]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--item", "item_9"], f"there is no item 'item_9'; there are {IDS}"),
        (["--item", "item_"], f"'item_' fits 3 items: {IDS}; give more of the id"),
        (["--item", "item_…1…"], f"there is no item 'item_…1…'; there are {IDS}"),
        (["--response", "item_1"], "there is no response 'item_1'; there are resp_1, resp_2"),
        (["--from", "99"], "standard input has no revision 99; the last one is 7"),
        (["--from", "1s"], NO_TIMES),
        (["--to", "1s"], NO_TIMES),
    ],
)
def test_what_is_not_there_is_one_sentence(words: list[str], message: str) -> None:
    result = invoke("log", "-", *words, stdin=recorded(*FILTERED))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: {message}\n"


def test_only_a_few_of_many_ids_are_listed() -> None:
    result = invoke("log", "-", "--item", "x", stdin=recorded(*(added(f"item_{n}") for n in range(9))))
    assert result.stderr.endswith("there are item_0, item_1, item_2, item_3, item_4, item_5 and 3 more\n")
    result = invoke("log", "-", "--response", "x", stdin=recorded(added("item_1")))
    assert result.stderr == "Error: there is no response 'x'; the recording names no responses at all\n"


@pytest.mark.parametrize("words", [["--from", "9", "--to", "3"], ["--from", "2s", "--to", "1s"]])
def test_a_window_has_to_open_before_it_closes(words: list[str]) -> None:
    result = invoke("log", "-", *words, stdin="")
    assert result.exit_code == 2
    assert "the log would end before it begins" in result.stderr
    assert (
        invoke("log", "-", "--from", "1s", "--to", "1", stdin=recorded(*FILTERED[:3], every=1)).exit_code == 0
    )


def test_nothing_that_fits_is_said_so() -> None:
    result = invoke("log", "-", "--type", "nothing", stdin=recorded(*FILTERED))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no event fits; 9 events read\n")
    assert invoke("log", "-", stdin="").stderr == "no event fits; 0 events read\n"


def test_json_has_what_the_change_has(call: Path) -> None:
    conversation = Conversation()
    lines = invoke("log", str(call), "--json").stdout.splitlines()
    for line, (at, event) in zip(lines, simulate.example().timed, strict=True):
        change, logged = conversation.feed(event, at), json.loads(line)
        assert list(logged) == ["number", "revision", "at", "type", "event_id", "operations", "anomalies"]
        assert logged["operations"] == change.patch()
        assert logged["revision"] == change.revision
        assert logged["at"] == at
        assert logged["type"] == event["type"]
        assert logged["event_id"] == event.get("event_id")
        assert logged["anomalies"] == [
            {"kind": each.kind, "message": each.message} for each in change.anomalies
        ]


def test_an_id_filter_reads_a_file_twice(call: Path) -> None:
    lines = invoke("log", str(call), "--item", "e9v1l").stdout.splitlines()
    assert "call of track_order" in lines[1]
    assert all("…e9v1l" in line or "resp.done" in line for line in lines[1:6])


def test_a_file_without_any_event_is_refused() -> None:
    result = invoke("log", "-", stdin="a\nb\n")
    assert result.exit_code == 1
    assert "has no line that is an event" in result.stderr


@pytest.mark.parametrize(
    ("raw", "items", "anchor"),
    [
        ({"item_id": "item_1", "previous_item_id": "item_0"}, {"item_1"}, "item_0"),
        ({"item": {"id": "item_1"}, "previous_item_id": "root"}, {"item_1"}, None),
        ({"response": {"id": "resp_1", "output": [{"id": "item_1"}, {"id": 5}, None]}}, {"item_1"}, None),
        ({"item": 5, "response": [], "item_id": "", "previous_item_id": 7}, set(), None),
        (b"[]", set(), None),
        (memoryview(b'{"item_id": "item_1"}'), {"item_1"}, None),
        ("not json", set(), None),
    ],
)
def test_the_ids_that_an_event_names(raw: Any, items: set[str], anchor: str | None) -> None:
    found = names(raw)
    assert (found.items, found.anchor) == (items, anchor)


def test_the_items_of_a_response_are_known_by_what_the_events_did() -> None:
    """The server names the response only in ``response.output_item.added``, or by the item's own field."""
    later = {
        "type": "conversation.item.done",
        "item": {"id": "item_1", "type": "message", "role": "assistant"},
    }
    item = {"id": "item_1", "type": "message", "role": "assistant"}
    events = [CREATED, {"type": "response.output_item.added", "response_id": "resp_1", "item": item}, later]
    assert numbers("--response", "resp_1", events=events) == [1, 2, 3]


def test_events_are_shown_as_they_come() -> None:
    command = [sys.executable, "-m", "rtstate", "log", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(recorded(added("item_1")).encode())
        process.stdin.flush()
        process.stdout.readline()
        assert b"item_1 user message" in process.stdout.readline()
        process.stdin.close()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recordings") / "large.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in simulate.long_conversation(items=1000)))
    return file


@pytest.mark.parametrize("words", [["log"], ["log", "--json"], ["diff"], ["replay", "--at", "3000"]])
def test_a_broken_pipe_ends_quietly(large: Path, words: list[str]) -> None:
    command = [sys.executable, "-m", "rtstate", *words, str(large)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(20)
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize(("redirected", "words"), [(True, []), (False, []), (False, ["--item", "nothing"])])
def test_a_bar_is_shown_where_nothing_else_is_printed(
    large: Path, redirected: bool, words: list[str]
) -> None:
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "rtstate", "log", str(large), *words]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    output = subprocess.DEVNULL if redirected else other_end
    with subprocess.Popen(command, env=environment, stdout=output, stderr=other_end):
        os.close(other_end)
        shown = b""
        try:
            while some := os.read(terminal, 4096):
                shown += some
        except OSError:  # how a terminal says that nobody holds its other end any more
            pass
        finally:
            os.close(terminal)
    assert (b"reading" in shown) is (redirected or bool(words))


@pytest.mark.parametrize("seed", range(6))
def test_simulated_sessions_with_damage(seed: int) -> None:
    dialect = simulate.DIALECTS[seed % len(simulate.DIALECTS)]
    session = simulate.session(seed, 6, dialect).events
    damaged = list(simulate.faults(session, seed=seed, drop=0.1, duplicate=0.1, reorder=4))
    stdin = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in damaged)
    for words in ([], ["--all"], ["--anomalies"], ["--changes", "--type", "conversation.*"]):
        assert invoke("log", "-", *words, stdin=stdin).exit_code == 0


def test_recordings(recording: Path) -> None:
    count = len(recording.read_text().splitlines())
    for words in ([], ["--all"], ["--changes"], ["--anomalies"]):
        assert invoke("log", str(recording), *words, width=80).exit_code == 0
    assert len(invoke("log", str(recording), "--json").stdout.splitlines()) == count
