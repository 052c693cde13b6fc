"""What each recorded session amounts to, worked out by hand from its raw lines.

``EXPECTED[name]`` is a part of the final document; its ``items``, ``order`` and ``responses`` are complete.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]


def typed(text: str, after: str | None = None, kind: str = "input_text", **fields: Any) -> Json:
    """A message of one text that the client made."""
    part = {"type": kind, "text": text, "transcript": None, "final": True, "truncated": None}
    known = {"type": "message", "role": "user", "status": "completed", "response_id": None}
    return {**known, "previous_item_id": after, "content": [part], **fields}


def spoken(transcript: str | None, after: str | None = None) -> Json:
    """What a user said: None while it is not transcribed."""
    status = "pending" if transcript is None else "final"
    part = {"type": "input_audio", "text": None, "transcript": transcript, "final": transcript is not None}
    content = [{**part, "transcription": {"status": status, "error": None}}]
    known = {"type": "message", "role": "user", "status": "completed", "response_id": None}
    return {**known, "previous_item_id": after, "content": content}


def answer(response_id: str | None, after: str | None, **part: Any) -> Json:
    """What the model said; ``part`` is its only part, whose texts and audio are None unless given."""
    known = {"text": None, "transcript": None, "audio_ms": None, "final": True, "truncated": None}
    content = [{**known, "type": "output_text" if "text" in part else "output_audio", **part}]
    shown = {"type": "message", "role": "assistant", "status": "completed", "response_id": response_id}
    return {**shown, "previous_item_id": after, "content": content}


def call(response_id: str, after: str | None, call_id: str, name: str, arguments: str) -> Json:
    known = {"type": "function_call", "status": "completed", "response_id": response_id, "ready": True}
    said = {"call_id": call_id, "name": name, "arguments": arguments}
    return {**known, "previous_item_id": after, **said}


def result(after: str | None, call_id: str, output: str) -> Json:
    known = {"type": "function_call_output", "status": "completed", "response_id": None}
    return {**known, "previous_item_id": after, "call_id": call_id, "output": output}


def response(*output: str, conversation_id: str | None = None, total: int | None, **fields: Any) -> Json:
    known = {"status": "completed", "status_details": None, "metadata": None}
    usage = None if total is None else {"total_tokens": total}
    return {**known, "conversation_id": conversation_id, "output": list(output), "usage": usage, **fields}


def tokens(
    count: int,
    sums: tuple[int, int, int],
    inputs: tuple[int, int] = (0, 0),
    outputs: tuple[int, int] = (0, 0),
    cached: tuple[int, int, int] = (0, 0, 0),
    without: int = 0,
) -> Json:
    """Totals: ``sums`` are total, input, output; pairs are text, audio; ``cached`` begins with its sum."""
    total, input_tokens, output_tokens = sums
    details = {
        "text_tokens": inputs[0],
        "audio_tokens": inputs[1],
        "image_tokens": 0,
        "cached_tokens": cached[0],
    }
    known = {"text_tokens": cached[1], "audio_tokens": cached[2], "image_tokens": 0}
    return {
        "count": count,
        "without_usage": without,
        "total_tokens": total,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "input_token_details": {**details, "cached_tokens_details": known},
        "output_token_details": {"text_tokens": outputs[0], "audio_tokens": outputs[1]},
    }


def heard(
    count: int = 0, seconds: float = 0, sums: tuple[int, int, int] = (0, 0, 0), split: Any = (0, 0)
) -> Json:
    total, input_tokens, output_tokens = sums
    return {
        "count": count,
        "without_usage": 0,
        "total_tokens": total,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "input_token_details": {"text_tokens": split[0], "audio_tokens": split[1]},
        "seconds": seconds,
    }


def vad(item_id: str, started: int, stopped: int) -> Json:
    return {"speaking": False, "item_id": item_id, "speech_started_ms": started, "speech_stopped_ms": stopped}


SILENT: Final = {"speaking": False, "item_id": None, "speech_started_ms": None, "speech_stopped_ms": None}
NOTHING: Final = {"rate_limits": {}, "errors": [], "input_audio": SILENT}
WEATHER: Final = "What is the weather in London?"
FOGGY: Final = "It is foggy and 12 degrees in London."
LONDON: Final = '{  \n  "city": "London" \n} \n'


def weather_round(
    conversation_id: str, user: str, calling: str, output: str, said: str, **known: Any
) -> Json:
    """A question, a call of ``get_weather``, its output, and the answer: three servers had the same."""
    first, second, call_id = known["first"], known["second"], known["call_id"]
    totals = known["totals"]
    return {
        **NOTHING,
        "conversation_id": conversation_id,
        "order": [user, calling, output, said],
        "items": {
            user: typed(WEATHER),
            calling: call(first, user, call_id, "get_weather", LONDON),
            output: result(calling, call_id, FOGGY),
            said: answer(second, output, text=known["text"]),
        },
        "responses": {
            first: response(calling, conversation_id=conversation_id, total=totals[0]),
            second: response(said, conversation_id=conversation_id, total=totals[1]),
        },
        "usage": {"responses": known["usage"], "transcription": heard()},
        "session": known["session"],
    }


EXPECTED: Final[dict[str, Json]] = {}
ANOMALIES: Final[dict[str, list[str]]] = {}
"""The kinds of what is odd, in order; a recording that is not here has nothing odd."""

EXPECTED["openai_text_in_audio_out"] = {
    **NOTHING,
    "conversation_id": "conv_E6U0tQE9YCxDzNHVI8JCO",
    "order": ["item_E6U0u6ZFxXUxYesuS1vaT", "item_E6U0uHIVQSnuTXndsNjl4"],
    "items": {
        "item_E6U0u6ZFxXUxYesuS1vaT": typed("Say a short greeting."),
        "item_E6U0uHIVQSnuTXndsNjl4": answer(
            "resp_E6U0utdfn8rQdwHYPNrmv", "item_E6U0u6ZFxXUxYesuS1vaT", transcript="Hi there!", audio_ms=2
        ),
    },
    "responses": {
        "resp_E6U0utdfn8rQdwHYPNrmv": response(
            "item_E6U0uHIVQSnuTXndsNjl4", conversation_id="conv_E6U0tQE9YCxDzNHVI8JCO", total=40
        )
    },
    "usage": {"responses": tokens(1, (40, 16, 24), (16, 0), (9, 15)), "transcription": heard()},
    "session": {
        "id": "sess_E6U0txeK1UA23CH3RdweL",
        "model": "gpt-realtime",
        "expires_at": 1785217648,
        "instructions": "Answer in two or three words.",
    },
}

EXPECTED["openai_tool_call_round"] = weather_round(
    "conv_E6U11sxBUSqysB6D0eCmY",
    "item_E6U11eeiqpcw4luxPkEiJ",
    "item_E6U11H8XY7uk9uRetnwLK",
    "item_E6U11riOtEjaRduajQIxc",
    "item_E6U11NhYQw9EqLY0RTEwG",
    first="resp_E6U11oof93olA0JOwdA0H",
    second="resp_E6U11zrzQPfORkorcByyP",
    call_id="call_uMNE0Myi2tDTPu0w",
    text=FOGGY,
    totals=(85, 116),
    usage=tokens(2, (201, 166, 35), (166, 0), (35, 0), (64, 64, 0)),
    session={"id": "sess_E6U1105MHBiPou6PkKs3c", "model": "gpt-realtime", "expires_at": 1785217655},
)

EXPECTED["azure_tool_call_round"] = weather_round(
    "conv_E4GEXtc3VhYxeJXwZaveP",
    "item_E4GEXBB4VwwuJGeSEz44G",
    "item_E4GEXymVQUNNBCl0OrSgQ",
    "item_E4GEXmv73ladBJ784qB2I",
    "item_E4GEXZ31F63vq08GwHHuX",
    first="resp_E4GEXS0gMoB7vHZTsFGmQ",
    second="resp_E4GEXumrdwmRWJelpojFn",
    call_id="call_I5nx0fK2YAldYQZs",
    text=FOGGY,
    totals=(85, 109),
    usage=tokens(2, (194, 159, 35), (159, 0), (35, 0), (64, 64, 0)),
    session={"id": "sess_E4GEXHPLMBozhYYNBbObf", "model": "gpt-realtime", "expires_at": 1784688021},
)

EXPECTED["voice_live_tool_call_round"] = weather_round(
    "conv_E4BAvmmorNaMboQImSB1d",
    "item_1NEGWt6HlQ4SHbk7pOcFOC",
    "item_E4BAvo5DXdxEo29tRXlor",
    "item_7cfrf6iwUkHTO5yiwWdT8h",
    "item_E4BAv7tLiUUCjXx1w627g",
    first="resp_E4BAvPKQEyg2Qv1zUb9bh",
    second="resp_E4BAvoKZl13g0SVmnP600",
    call_id="call_gjTmnRCz6ans0s2H",
    text="It's foggy and 12 degrees in London right now.",
    totals=(85, 110),
    usage=tokens(2, (195, 159, 36), (159, 0), (36, 0), (64, 64, 0)),
    session={
        "id": "sess_E4BAvG7oE8xwTOj6VWo9m",
        "model": "gpt-realtime-global-standard",
        "expires_at": 1784668577,
    },
)

EXPECTED["openai_history_seeding"] = {
    **NOTHING,
    "conversation_id": "conv_E6U14phIylwXcXroTE5Kr",
    "order": [
        "item_E6U14t5zXCwTlap96gdtd",
        "item_E6U14UU5qxXZj87bQIgPY",
        "item_E6U14Fu3bTvRcwB0Zg04Z",
        "item_E6U14tdNtskbeBmYROQjH",
    ],
    "items": {
        "item_E6U14t5zXCwTlap96gdtd": typed("My name is Alice and my favorite color is teal."),
        "item_E6U14UU5qxXZj87bQIgPY": typed(
            "Nice to meet you, Alice!", "item_E6U14t5zXCwTlap96gdtd", "output_text", role="assistant"
        ),
        "item_E6U14Fu3bTvRcwB0Zg04Z": typed(
            "What is my name and favorite color?", "item_E6U14UU5qxXZj87bQIgPY"
        ),
        "item_E6U14tdNtskbeBmYROQjH": answer(
            "resp_E6U14YFe7U2EU95eQndMH",
            "item_E6U14Fu3bTvRcwB0Zg04Z",
            text="Your name is Alice, and your favorite color is teal!",
        ),
    },
    "responses": {
        "resp_E6U14YFe7U2EU95eQndMH": response(
            "item_E6U14tdNtskbeBmYROQjH", conversation_id="conv_E6U14phIylwXcXroTE5Kr", total=163
        )
    },
    "usage": {"responses": tokens(1, (163, 149, 14), (149, 0), (14, 0)), "transcription": heard()},
    "session": {"id": "sess_E6U14WBtdqWWLvXhRdE9T", "model": "gpt-realtime", "expires_at": 1785217658},
}

EXPECTED["openai_server_vad_turn"] = {
    **NOTHING,
    "conversation_id": "conv_E6U0wZ7az3EZovEnFLqH4",
    "order": ["item_E6U0xpLmn5e80rVGpEeKv", "item_E6U0xWSFIFri2uw2kTLLq"],
    "items": {
        "item_E6U0xpLmn5e80rVGpEeKv": spoken("Hello, my name is Marcelo."),
        "item_E6U0xWSFIFri2uw2kTLLq": answer(
            "resp_E6U0xfWhN878XBMhc0LKn",
            "item_E6U0xpLmn5e80rVGpEeKv",
            transcript="Hello, Marcelo! Great to meet you. How can I help you today?",
            audio_ms=18,
        ),
    },
    "responses": {
        "resp_E6U0xfWhN878XBMhc0LKn": response(
            "item_E6U0xWSFIFri2uw2kTLLq", conversation_id="conv_E6U0wZ7az3EZovEnFLqH4", total=205
        )
    },
    "usage": {"responses": tokens(1, (205, 41, 164), (14, 27), (28, 136)), "transcription": heard(1, 3)},
    "input_audio": vad("item_E6U0xpLmn5e80rVGpEeKv", 1460, 4256),
    "session": {"id": "sess_E6U0wu9FmdwQ0Lgv9ESYH", "model": "gpt-realtime", "expires_at": 1785217650},
}

EXPECTED["azure_server_vad_transcribes"] = {
    **NOTHING,
    "conversation_id": "conv_E4ySyOZ7cfEjOpKcChziC",
    "order": ["item_E4ySyG6RNy8D0s5RY4wHG", "item_E4ySzyEXmG1cqrBzxotNa"],
    "items": {
        "item_E4ySyG6RNy8D0s5RY4wHG": spoken("Hello, my name is Marcelo."),
        "item_E4ySzyEXmG1cqrBzxotNa": answer(
            "resp_E4ySzvKWmfZzGYRJLuvPM",
            "item_E4ySyG6RNy8D0s5RY4wHG",
            transcript="Hi Marcelo, it's great to meet you! What can I help you with today?",
            audio_ms=10,
        ),
    },
    "responses": {
        "resp_E4ySzvKWmfZzGYRJLuvPM": response(
            "item_E4ySzyEXmG1cqrBzxotNa", conversation_id="conv_E4ySyOZ7cfEjOpKcChziC", total=146
        )
    },
    "usage": {"responses": tokens(1, (146, 40, 106), (14, 26), (29, 77)), "transcription": heard(1, 3)},
    "input_audio": vad("item_E4ySyG6RNy8D0s5RY4wHG", 1556, 4224),
    "session": {"id": "sess_E4ySycQHtWxjv0mkxoXs6", "model": "gpt-realtime", "expires_at": 1784858052},
}

EXPECTED["voice_live_text_in_audio_out"] = {
    **NOTHING,
    "conversation_id": "conv_E4BAqOlOCUTd5nFsidsSd",
    "order": ["item_60aC9fbklRnUprIbPDwHTj", "item_E4BAqvdWBX2CPiTEwdsGK"],
    "items": {
        "item_60aC9fbklRnUprIbPDwHTj": typed("Say a short greeting."),
        "item_E4BAqvdWBX2CPiTEwdsGK": answer(
            "resp_E4BAqe5bKD2fzpGWYUcxW",
            "item_60aC9fbklRnUprIbPDwHTj",
            transcript="Hola, ¿qué tal?",
            audio_ms=4,
        ),
    },
    "responses": {
        "resp_E4BAqe5bKD2fzpGWYUcxW": response(
            "item_E4BAqvdWBX2CPiTEwdsGK", conversation_id="conv_E4BAqOlOCUTd5nFsidsSd", total=61
        )
    },
    "usage": {"responses": tokens(1, (61, 16, 45), (16, 0), (14, 31)), "transcription": heard()},
    "session": {
        "id": "sess_E4BAqtCqVqu1JZb9KeWeA",
        "model": "gpt-realtime-global-standard",
        "expires_at": 1784668572,
    },
}

EXPECTED["openai_beta_webrtc_three_turns"] = {
    **NOTHING,
    "conversation_id": "conv_Azlw6bJXhaKf1RV2eJDiH",
    "order": [
        "item_Azlw7iougdsUbAxtNIK43",
        "item_AzlwEw01Kvr1DYs7K7rN9",
        "item_AzlwFKH1rmAndQLC7YZiXB",
        "item_AzlwJisejpLdAoXdNwm2Z",
        "item_AzlwJXoYxsF57rqAXF6Rc",
        "item_AzlwKvlSHxjShUjNKh4O4",
    ],
    "items": {
        "item_Azlw7iougdsUbAxtNIK43": answer(
            "resp_Azlw7lbJzlhW7iEomb00t", None, transcript="Hey there! How can I help you today?"
        ),
        "item_AzlwEw01Kvr1DYs7K7rN9": spoken(None, "item_Azlw7iougdsUbAxtNIK43"),
        "item_AzlwFKH1rmAndQLC7YZiXB": answer(
            "resp_AzlwF7CVNcKelcIOECR33",
            "item_AzlwEw01Kvr1DYs7K7rN9",
            transcript="I'm doing great, thanks for asking! How about you?",
        ),
        "item_AzlwJisejpLdAoXdNwm2Z": spoken(None, "item_AzlwFKH1rmAndQLC7YZiXB"),
        "item_AzlwJXoYxsF57rqAXF6Rc": spoken(None, "item_AzlwJisejpLdAoXdNwm2Z"),
        "item_AzlwKvlSHxjShUjNKh4O4": answer(
            "resp_AzlwKj24TCThD6sk18uTS",
            "item_AzlwJXoYxsF57rqAXF6Rc",
            transcript="I'm here to help with whatever you need. You can think of me as your friendly, "
            "digital assistant. What's on your mind?",
        ),
    },
    "responses": {
        "resp_Azlw7lbJzlhW7iEomb00t": response(
            "item_Azlw7iougdsUbAxtNIK43", conversation_id="conv_Azlw6bJXhaKf1RV2eJDiH", total=166
        ),
        "resp_AzlwF7CVNcKelcIOECR33": response(
            "item_AzlwFKH1rmAndQLC7YZiXB", conversation_id="conv_Azlw6bJXhaKf1RV2eJDiH", total=266
        ),
        "resp_AzlwJ26l9LarAEdw41C66": response(
            conversation_id="conv_Azlw6bJXhaKf1RV2eJDiH",
            total=0,
            status="cancelled",
            status_details={"type": "cancelled", "reason": "turn_detected", "error": None},
        ),
        "resp_AzlwKj24TCThD6sk18uTS": response(
            "item_AzlwKvlSHxjShUjNKh4O4", conversation_id="conv_Azlw6bJXhaKf1RV2eJDiH", total=452
        ),
    },
    "usage": {
        "responses": tokens(4, (884, 593, 291), (431, 162), (82, 209), (320, 256, 64)),
        "transcription": heard(),
    },
    "input_audio": vad("item_AzlwJXoYxsF57rqAXF6Rc", 12352, 12992),
    "rate_limits": {
        "requests": {"limit": 20000, "remaining": 19999, "reset_seconds": 0.003},
        "tokens": {"limit": 15000000, "remaining": 14995226, "reset_seconds": 0.019},
    },
    "session": {
        "id": "sess_XXXXXX",
        "model": "gpt-4o-realtime-preview-2024-12-17",
        "expires_at": 1739287438,
        "voice": "echo",
    },
}

EXPECTED["qwen_omni_text_tools"] = {
    **NOTHING,
    "conversation_id": "conv_NljkEKsQniuc24L1SB1gG",
    "order": [
        "item_SvFsHcG4usuEwXSOPowaY",
        "item_N6Akzwcxv5suf95dvXQaI",
        "item_Td79UEt9ZQRuD28quRwFb",
        "item_SOhnbi9gdQESu6CTlfiLJ",
        "item_ZtdisxGnHduHvLIaP7QfA",
        "item_CWDNkRAcA4pHfIf1T6yFm",
        "item_R7xfNgGQI59oIlZGM6hVE",
        "item_IzYb1h6hnLWe3RDQITDJL",
    ],
    "items": {
        "item_SvFsHcG4usuEwXSOPowaY": typed("记住测试口令：蓝色方块。只回复已记住，不调用工具。"),
        "item_N6Akzwcxv5suf95dvXQaI": answer(
            "resp_BPdS3pZw9rS72JXXIsA8P", "item_SvFsHcG4usuEwXSOPowaY", text="已记住测试口令：蓝色方块。"
        ),
        "item_Td79UEt9ZQRuD28quRwFb": typed(
            "先复述刚才口令，再在同一轮调用 test_color 和 test_shape，不要猜测结果。",
            "item_N6Akzwcxv5suf95dvXQaI",
        ),
        "item_SOhnbi9gdQESu6CTlfiLJ": call(
            "resp_W6oAec8azwWhEe5PzRNmN",
            "item_Td79UEt9ZQRuD28quRwFb",
            "call_0a9e03efe5564d8f8ca954fc",
            "test_color",
            "{}",
        ),
        "item_ZtdisxGnHduHvLIaP7QfA": call(
            "resp_W6oAec8azwWhEe5PzRNmN",
            "item_SOhnbi9gdQESu6CTlfiLJ",
            "call_0594ae59c3a4421aa7871d64",
            "test_shape",
            "{}",
        ),
        "item_CWDNkRAcA4pHfIf1T6yFm": result(
            "item_ZtdisxGnHduHvLIaP7QfA", "call_0a9e03efe5564d8f8ca954fc", "蓝色"
        ),
        "item_R7xfNgGQI59oIlZGM6hVE": result(
            "item_CWDNkRAcA4pHfIf1T6yFm", "call_0594ae59c3a4421aa7871d64", "方块"
        ),
        "item_IzYb1h6hnLWe3RDQITDJL": answer(
            "resp_Pd74ULjlgW8kwUIxApXGH",
            "item_R7xfNgGQI59oIlZGM6hVE",
            text="蓝色方块。颜色：蓝色，形状：方块。",
        ),
    },
    "responses": {
        "resp_BPdS3pZw9rS72JXXIsA8P": response(
            "item_N6Akzwcxv5suf95dvXQaI", conversation_id="conv_NljkEKsQniuc24L1SB1gG", total=350
        ),
        "resp_W6oAec8azwWhEe5PzRNmN": response(
            "item_SOhnbi9gdQESu6CTlfiLJ",
            "item_ZtdisxGnHduHvLIaP7QfA",
            conversation_id="conv_NljkEKsQniuc24L1SB1gG",
            total=408,
        ),
        "resp_Pd74ULjlgW8kwUIxApXGH": response(
            "item_IzYb1h6hnLWe3RDQITDJL", conversation_id="conv_NljkEKsQniuc24L1SB1gG", total=456
        ),
    },
    "usage": {"responses": tokens(3, (1214, 1165, 49), (1165, 0), (49, 0)), "transcription": heard()},
    "session": {
        "id": "sess_GepXZYGX9PbuWjXzqh3o7",
        "model": "qwen3.5-omni-flash-realtime",
        "voice": "Tina",
        "max_tokens": 128,
    },
}

EXPECTED["openai_translate"] = {
    **NOTHING,
    "conversation_id": None,
    "order": [],
    "items": {},
    "responses": {},
    "usage": {"responses": tokens(0, (0, 0, 0)), "transcription": heard()},
    "translation": {
        "input_transcript": " The quick brown fox jumps over the lazy",
        "output_transcript": "La rápida zorra marrón salta sobre el perro perezoso.",
    },
    "session": {
        "id": "session-fixture",
        "type": "translation",
        "model": "gpt-realtime-translate",
        "expires_at": 0,
        "audio": {
            "input": {"transcription": {"model": "gpt-realtime-whisper"}},
            "output": {"language": "es"},
        },
    },
}

XAI: Final = {"status_details": "unimplemented"}

EXPECTED["xai_text_in_audio_out"] = {
    **NOTHING,
    "conversation_id": "8d525b4d-a514-4e6c-a3ba-4894a19873e8",
    "order": ["d7f61d68-2d0e-4fee-8621-4658f75153c2", "73235c8c-89df-4be3-938b-6d53b04c54fc"],
    "items": {
        "d7f61d68-2d0e-4fee-8621-4658f75153c2": typed("Say a short greeting."),
        "73235c8c-89df-4be3-938b-6d53b04c54fc": answer(
            "1424e44c-2aa2-4309-8100-a69dc832a391",
            "d7f61d68-2d0e-4fee-8621-4658f75153c2",
            transcript="Hello there!",
            audio_ms=2,
        ),
    },
    "responses": {
        "1424e44c-2aa2-4309-8100-a69dc832a391": response(
            "73235c8c-89df-4be3-938b-6d53b04c54fc", total=47, **XAI
        )
    },
    "usage": {"responses": tokens(1, (47, 5, 42), (5, 0), (3, 39)), "transcription": heard()},
    "session": {"id": "7f6185aea7b747eba81c148c942221cc", "model": "grok-voice-latest", "voice": "ara"},
}

EXPECTED["xai_tool_call_round"] = {
    **NOTHING,
    "conversation_id": "32be8fff-85d4-49cf-8297-f7782c1b3112",
    "order": [
        "52ba76b2-b27d-4f38-a2a3-198b6b5bb2da",
        "ad758f3e-5c77-46e7-a474-7711a8a9c8a4",
        "03399f03-81f1-4fac-b52d-81d0c31af7bf",
        "c0648c00-e106-4dbe-9cb4-3f2c1918026d",
        "18a5d13c-fc90-48fa-8059-001a99b90d77",
    ],
    "items": {
        "52ba76b2-b27d-4f38-a2a3-198b6b5bb2da": typed(WEATHER),
        "ad758f3e-5c77-46e7-a474-7711a8a9c8a4": answer(
            "feea3318-12a0-4d5e-99d5-d1637d00cd98",
            "52ba76b2-b27d-4f38-a2a3-198b6b5bb2da",
            transcript="I'll check the weather for London right away.",
            audio_ms=4,
        ),
        "03399f03-81f1-4fac-b52d-81d0c31af7bf": call(
            "feea3318-12a0-4d5e-99d5-d1637d00cd98",
            None,
            "call-af8ed632-2074-4b5f-b719-7aa47250d3c6-0",
            "get_weather",
            '{"city":"London"}',
        ),
        "c0648c00-e106-4dbe-9cb4-3f2c1918026d": result(
            None, "call-af8ed632-2074-4b5f-b719-7aa47250d3c6-0", FOGGY
        ),
        "18a5d13c-fc90-48fa-8059-001a99b90d77": answer(
            "1094c993-7eec-4496-882a-5feb51b6a320",
            "c0648c00-e106-4dbe-9cb4-3f2c1918026d",
            transcript="It is foggy and 12 degrees in London. The weather is foggy and 12 degrees.",
            audio_ms=7,
        ),
    },
    "responses": {
        "feea3318-12a0-4d5e-99d5-d1637d00cd98": response(
            "ad758f3e-5c77-46e7-a474-7711a8a9c8a4", "03399f03-81f1-4fac-b52d-81d0c31af7bf", total=120, **XAI
        ),
        "1094c993-7eec-4496-882a-5feb51b6a320": response(
            "18a5d13c-fc90-48fa-8059-001a99b90d77", total=269, **XAI
        ),
    },
    "usage": {"responses": tokens(2, (389, 7, 382), (7, 0), (28, 354)), "transcription": heard()},
    "session": {"id": "274d45b6e5e84b8ab8da2235d5e6aa6d", "model": "grok-voice-latest", "voice": "ara"},
}

EXPECTED["xai_resumption_after_drop"] = {
    **NOTHING,
    "conversation_id": "43f1cce0-e323-4a24-b2b1-de4b40b374b6",
    "order": [
        "3d301c41-bc81-4592-b73a-6c01a29d2d4a",
        "0f5efcd5-76f1-4a00-9cac-d907e17d4434",
        "86cf9c33-5d63-408e-b29e-24d63935dcd4",
        "34cfce46-63ab-4176-bbeb-e16221f719db",
        "aab62b30-dca6-42ba-9115-eb19818c79ca",
    ],
    "items": {
        "3d301c41-bc81-4592-b73a-6c01a29d2d4a": typed(
            "Remember exactly: the code word is cobalt. Briefly acknowledge it."
        ),
        "0f5efcd5-76f1-4a00-9cac-d907e17d4434": answer(
            "7c8c9c24-05e7-4f88-b27d-5173b6f08c86",
            "3d301c41-bc81-4592-b73a-6c01a29d2d4a",
            transcript="Got it—code word is cobalt.",
            audio_ms=4,
        ),
        "86cf9c33-5d63-408e-b29e-24d63935dcd4": typed(
            "Got it—code word is cobalt.", None, "output_text", role="assistant"
        ),
        "34cfce46-63ab-4176-bbeb-e16221f719db": typed(
            "What code word did I ask you to remember?", "86cf9c33-5d63-408e-b29e-24d63935dcd4"
        ),
        "aab62b30-dca6-42ba-9115-eb19818c79ca": answer(
            "ca232ff5-6627-4d06-950c-bbcb0b5d2928",
            "34cfce46-63ab-4176-bbeb-e16221f719db",
            transcript="Cobalt. The code word you asked me to remember is cobalt.",
            audio_ms=6,
        ),
    },
    "responses": {
        "7c8c9c24-05e7-4f88-b27d-5173b6f08c86": response(
            "0f5efcd5-76f1-4a00-9cac-d907e17d4434", total=126, **XAI
        ),
        "ca232ff5-6627-4d06-950c-bbcb0b5d2928": response(
            "aab62b30-dca6-42ba-9115-eb19818c79ca", total=208, **XAI
        ),
    },
    "usage": {"responses": tokens(2, (334, 23, 311), (23, 0), (21, 290)), "transcription": heard()},
    "session": {"id": "c55214cdbadf45cfb230f0f5da6ec58c", "model": "grok-voice-latest", "voice": "ara"},
}

# Examples of the documentation in alphabetical order, most of them twice: no session, but every event.
# In the order: msg_003 is to follow msg_002, which is committed later, behind msg_001, which never comes.
EXPECTED["spec_examples"] = {
    "conversation_id": "conv_001",  # announced; the responses around it name others
    "order": [
        "item_C9G8pGVKYnaZu8PH5YQ9O",
        "msg_002",
        "msg_003",
        "msg_008",
        "msg_007",
        "msg_006",
        "fc_001",
        "item_CCXLfxmM5sXVJVz4mCa2S",
        "item_CCXHwGjjDUfOXbiySlK7i",
    ],
    "items": {
        "msg_002": {**spoken(None, "msg_001"), "status": "incomplete"},
        "msg_003": spoken("Hello, how are you?", "msg_002"),
        "msg_006": answer("resp_001", None, text="Sure, how can I assist you today?"),
        "msg_007": answer("resp_001", None, text="Sure, I can help with that."),
        "msg_008": answer("resp_001", None, transcript="Hello, how can I assist you today?", audio_ms=0),
        "msg_011": {
            "role": "user",
            "status": "incomplete",
            "content": [
                {
                    "transcript": None,
                    "extra": {
                        "segments": [
                            {"id": "seg_0001", "text": "hello", "speaker": "spk_1", "start": 0.0, "end": 0.4}
                        ]
                    },
                }
            ],
        },
        "fc_001": {
            **call("resp_002", None, "call_001", "get_weather", '{"location": "San Francisco"}'),
            "status": "incomplete",
            "ready": False,
        },
        "mcp_call_001": {"type": "mcp_call", "status": "completed"},
        "mcp_list_tools_001": {"type": "mcp_list_tools", "status": "completed", "tools": None},
        "item_001": {
            "role": "user",
            "status": "incomplete",
            "content": [{"transcript": "Hello", "transcription": {"status": "partial", "error": None}}],
        },
        "item_C9G8pGVKYnaZu8PH5YQ9O": typed("hi"),
        "item_CCXLfxmM5sXVJVz4mCa2S": answer(
            None,
            "item_CCXLecNJVIVR2HUy3ABLj",
            transcript="Oh, I can hear you loud and clear! Sounds like we're connected just fine. "
            "What can I help you with today?",
        ),
        "item_CCXGQ4e1ht4cOraEYcuR2": spoken("Hey, can you hear me?"),
        "item_CCXGRxbY0n6WE4EszhF5w": answer(
            None, None, transcript="Yes, I can hear you loud and clear. How can I help you today?", audio_ms=0
        ),
        "item_CCXHwGjjDUfOXbiySlK7i": answer(
            "resp_CCXHw0UJld10EzIUXQCNh",
            None,
            transcript="Loud and clear! I can hear you perfectly. How can I help you today?",
        ),
    },
    "responses": {
        "resp_001": {"status": "completed", "conversation_id": None, "usage": {"total_tokens": 275}},
        "resp_002": response("fc_001", total=None, status="incomplete"),
        "resp_C9G8p7IH2WxLbkgPNouYL": response(
            conversation_id="conv_C9G8mmBkLhQJwCon3hoJN", total=None, status="incomplete"
        ),
        "resp_CCXHw0UJld10EzIUXQCNh": response(
            "item_CCXHwGjjDUfOXbiySlK7i", conversation_id="conv_CCXHsurMKcaVxIZvaCI5m", total=253
        ),
    },
    "usage": {
        "responses": tokens(4, (528, 259, 269), (238, 21), (66, 203), (448, 192, 256), without=2),
        "transcription": heard(2, 0, (70, 51, 19), (10, 41)),
    },
    "rate_limits": {
        "requests": {"limit": 1000, "remaining": 999, "reset_seconds": 60},
        "tokens": {"limit": 50000, "remaining": 49950, "reset_seconds": 60},
    },
    "errors": [
        {
            "type": "invalid_request_error",
            "code": "invalid_event",
            "message": "The 'type' field is missing.",
            "param": None,
            "event_id": "event_567",
        }
    ],
    "translation": {"input_transcript": " hear", "output_transcript": " escuch"},
    "session": {
        "id": "sess_123",
        "model": "gpt-realtime-translate",
        "expires_at": 1714857600,
        "audio": {"output": {"language": "fr"}},
    },
}
ANOMALIES["spec_examples"] = [
    "unknown_item",  # the client asks to truncate msg_002, which nobody has announced yet
    "unknown_anchor",  # msg_003 comes before msg_002
    "unknown_item",  # a truncation of msg_004
    "unknown_anchor",  # msg_002 comes, msg_001 never does
    "late",  # arguments of an MCP call, after its response ended
    "late",  # and the whole of them
    "late",  # a delta of msg_007, which ended two examples before
    "late",  # a delta of a transcription, after the whole
    "unknown",  # a type that begins with a space
]

RESUMED: Final = {"old": "9a503158b91c4e03b3f2b9c9ec16d68d", "new": "c55214cdbadf45cfb230f0f5da6ec58c"}
"""The two sessions of ``xai_resumption_after_drop``."""
