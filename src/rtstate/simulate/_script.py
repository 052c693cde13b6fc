"""Hold the words of the simulated calls: topics, tools, side questions, and how text falls into tokens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r"\s*[\w'’]{1,9}|\s*[^\w\s]|\s+")

ERROR_MESSAGES = {
    "response_cancel_not_active": "Cancellation failed: no active response found",
    "item_delete_invalid_item_id": "Error deleting item: the item with id '{}' does not exist.",
    "item_create_invalid_previous_item_id": "Error creating item: the previous item '{}' does not exist.",
}

# One grey pixel: the smallest honest picture.
IMAGE_URL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCB"
    "d81ytgAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True)
class Topic:
    """Name a call and the exchanges it is made of."""

    instructions: str
    exchanges: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """Describe one use of a tool: the question, the call, its output and the answer that follows."""

    question: str
    name: str
    arguments: dict[str, Any]
    output: str
    answer: str


TOPICS = (
    Topic(
        "You help customers of a small online bookshop. Be brief and friendly.",
        (
            ("Hello, I ordered two books last week.", "Hello! Let me look at that order for you."),
            ("One of them arrived damaged.", "I'm sorry to hear that. We can send a new copy or refund it."),
            ("A new copy would be great, please.", "Done. It leaves our warehouse tomorrow morning."),
            ("Can you send it to my office instead?", "Of course. Which address should I use?"),
            ("Twelve Harbour Street, second floor.", "Thank you, I have changed the delivery address."),
            ("How long will it take?", "Two to three working days, and you will get a tracking number."),
            ("Do I have to return the damaged one?", "No, please keep it or pass it on to someone."),
            ("That's very kind, thank you.", "You're welcome. Is there anything else I can do?"),
        ),
    ),
    Topic(
        "You are the voice assistant of a railway company. Give short, exact answers.",
        (
            (
                "Hi, when is the next train to Leeds?",
                "The next train to Leeds leaves at ten forty from platform six.",
            ),
            (
                "Is it a direct train?",
                "Yes, it is direct, and the journey takes two hours and twelve minutes.",
            ),
            ("Can I take my bicycle with me?", "Yes, but you need to reserve a place for it, which is free."),
            ("Then please reserve one.", "I have reserved a bicycle place in coach B for you."),
            ("Is there a café on board?", "There is a trolley service, and a café in coach D."),
            ("What if I miss it?", "Your ticket is valid on the two following trains as well."),
            ("Where can I find the lift?", "The lift is next to the ticket office, on your left."),
        ),
    ),
    Topic(
        "You are a patient language tutor. Correct mistakes gently and keep replies short.",
        (
            (
                "I'd like to practise ordering food.",
                "Lovely. Imagine that I am the waiter: what would you like?",
            ),
            ("I take the soup, please.", "Nearly! We would say: I'll have the soup, please."),
            ("I'll have the soup, please.", "Perfect. And what would you like to drink?"),
            ("A glass of water without gas.", "Good. The usual words are: a glass of still water."),
            ("How do I ask for the bill?", "You can say: could we have the bill, please?"),
            ("Could we have the bill, please?", "Excellent, and a smile never hurts."),
        ),
    ),
    Topic(
        "You help people with their home network. Ask one question at a time.",
        (
            (
                "My internet keeps dropping out.",
                "Let's find out why. Is the light on your router green or amber?",
            ),
            ("It's amber, and it blinks.", "Then it has lost the line. Please unplug it for thirty seconds."),
            ("Okay, it's starting again.", "Good. Tell me when the light stops blinking."),
            ("It's green now.", "Great, the connection is back. Does it also work in the other rooms?"),
            ("Only the bedroom is slow.", "A small repeater in the hall would help; I can send you one."),
            ("Yes, please do that.", "It's on its way, and setting it up takes about five minutes."),
        ),
    ),
)

TOOL_USES = (
    ToolUse(
        "What's the weather like in Lisbon?",
        "get_weather",
        {"city": "Lisbon", "unit": "celsius"},
        '{"temperature": 19, "sky": "clear"}',
        "It's nineteen degrees and clear in Lisbon.",
    ),
    ToolUse(
        "Where is my parcel?",
        "track_parcel",
        {"tracking_number": "RM4471209GB"},
        '{"status": "in_transit", "eta": "tomorrow"}',
        "Your parcel is on its way and should arrive tomorrow.",
    ),
    ToolUse(
        "Could you book a table for four at seven?",
        "book_table",
        {"guests": 4, "time": "19:00", "quiet": True},
        '{"booked": true, "table": 12}',
        "Your table for four is booked for seven o'clock.",
    ),
    ToolUse(
        "How much is left on my account?",
        "get_balance",
        {"account": "current"},
        "412.60 EUR",
        "There are four hundred and twelve euros and sixty cents left.",
    ),
    ToolUse(
        "Is the blue jacket available in medium?",
        "check_stock",
        {"sku": "JKT-204-BLU", "size": "M"},
        '{"in_stock": 3}',
        "Yes, we have three of them in medium.",
    ),
    ToolUse(
        "Please open a ticket about the noise.",
        "open_ticket",
        {"subject": "Noise on the line", "priority": "normal"},
        '{"ticket": "T-58210"}',
        "I have opened ticket T 58210 for you.",
    ),
)

MCP_USES = (
    ToolUse(
        "What does the manual say about descaling?",
        "search_manual",
        {"query": "descaling", "limit": 3},
        "Descale every three months with citric acid.",
        "The manual asks you to descale it every three months.",
    ),
    ToolUse(
        "Which meetings do I have on Friday?",
        "list_events",
        {"day": "2026-11-27"},
        '[{"at": "10:00", "title": "Budget"}]',
        "On Friday you have one meeting, the budget at ten.",
    ),
)

SIDE_QUESTIONS = (
    ("mood", "How does the caller feel? One word.", "Calm."),
    ("topic", "Name the topic of this call in two words.", "Delivery address."),
    (
        "summary",
        "Summarise the call so far in one sentence.",
        "The caller asked for help and was given an answer.",
    ),
    ("language", "Which language does the caller speak?", "English."),
)

INTERRUPTIONS = (
    "Sorry, can I stop you there?",
    "Wait, I meant the other one.",
    "Hang on, one more thing.",
    "No, never mind.",
)
TYPED = (
    "My order number is 40-2291.",
    "my email is anna@example.org",
    "Please use the short form.",
    "Flat 3b, ground floor",
)
IMAGE_QUESTIONS = (
    "What is this part called?",
    "Can you read the label in this picture?",
    "Is this the right cable?",
)
IMAGE_ANSWERS = (
    "That looks like the power connector.",
    "The label is a little blurred, but I can read most of it.",
)
NOTES = (
    "The caller is a customer since 2019.",
    "Speak slowly; the line is poor.",
    "Today's offer: free delivery above thirty euros.",
)
LONG_ANSWERS = (
    (
        "Let me go through that step by step, so that nothing is missed. First of all, open the settings and "
        "choose the second entry from the top; there you will find everything that belongs to your account."
    ),
    (
        "There are three ways to do this. The quickest is to call the branch directly, the cheapest is to "
        "use the form on our website, and the safest is to come by with the paper in your hand."
    ),
    (
        "I'd be glad to explain. The amount on your bill has two parts: a fixed price for the line, which "
        "stays the same every month, and the calls, which you can see one by one on the second page."
    ),
)


def tokens(text: str) -> list[str]:
    """Cut a text into pieces such as a model would stream; joined, they are the text again.

    >>> tokens("Hello, Lisbon is lovely.")
    ['Hello', ',', ' Lisbon', ' is', ' lovely', '.']
    """
    return _TOKEN.findall(text)


def function_tools(uses: Sequence[ToolUse] = TOOL_USES) -> list[dict[str, Any]]:
    """Declare the functions of these uses as a session does."""
    kinds = {str: "string", int: "integer", bool: "boolean"}
    return [
        {
            "type": "function",
            "name": use.name,
            "description": use.name.replace("_", " ").capitalize() + ".",
            "parameters": {
                "type": "object",
                "properties": {key: {"type": kinds[type(value)]} for key, value in use.arguments.items()},
                "required": list(use.arguments),
                "additionalProperties": False,
            },
        }
        for use in uses
    ]


def mcp_tools() -> list[dict[str, Any]]:
    """List the tools of the simulated MCP server as an `mcp_list_tools` item does."""
    return [
        {
            "name": tool["name"],
            "description": tool["description"],
            "input_schema": tool["parameters"],
            "annotations": None,
        }
        for tool in function_tools(MCP_USES)
    ]
