"""What a Redis server's refusals mean for a log, and what can be done about them."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

from rtstate.errors import LogDamaged, LogError, LogUnavailable

_REFUSALS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...]] = (
    (BusyLoadingError, "is still loading what it keeps: try again in a while"),
    (
        (AuthenticationError, AuthenticationWrongNumberOfArgsError),
        "does not accept the user or password of the URL",
    ),
    (NoPermissionError, "does not allow its user what a log does: mend the user's rules"),
    (OutOfMemoryError, "has no memory left for more: raise its maxmemory, or delete or trim conversations"),
    (ReadOnlyError, "is a replica and takes no writes: name the primary"),
    (ClusterDownError, "is of a cluster that is down: try again when it has a node for each slot"),
    (AskError, "is one node of a cluster, and another has this: give RedisLog a RedisCluster client"),
    (RedisTimeoutError, "did not answer in time: try again, or allow it more with ?socket_timeout="),
)

_TOLD: Final = {
    "MISCONF": "cannot save to its disk, and so takes no writes: make room there",
    "NOAUTH": "wants a user and password: put them into the URL",
    "WRONGPASS": "does not accept the user or password of the URL",
    "NOREPLICAS": "has too few replicas to write: wait until they are back",
    "MASTERDOWN": "is a replica that has lost its primary: name the primary",
    "BUSY": "is busy with another's script: try again",
    "TRYAGAIN": "is moving this to another node: try again",
}

_TOO_OLD: Final = ("compiling script", "unknown command", "Unknown Redis command")


def address(client: Redis | RedisCluster) -> str:
    """Return where a client's server is, without its user and password."""
    if isinstance(client, RedisCluster):
        node: Any = client.startup_nodes[0]
        return f"{node.host}:{node.port}"
    options: dict[str, Any] = client.get_connection_kwargs()
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


def ours(error: Exception, where: str, name: str | None = None) -> LogError:
    """Return an exception of redis-py as one of a log; ``name`` is the conversation it is about."""
    for kind, what in _REFUSALS:
        if isinstance(error, kind):
            return LogUnavailable(f"{where} {what}")
    if not isinstance(error, ResponseError):
        kind_of = "cluster" if isinstance(error, RedisClusterException) else "server"
        return LogUnavailable(
            f"{where} cannot be reached: is the {kind_of} up, and is this its address? ({error})"
        )
    told = str(error)
    what = _TOLD.get(told.partition(" ")[0])
    if what is not None:
        return LogUnavailable(f"{where} {what}")
    if any(words in told for words in _TOO_OLD):
        return LogUnavailable(f"{where} is too old: a log needs Redis 7 or newer")
    if name is not None:  # WRONGTYPE, or a script that stumbled over what it found
        return LogDamaged(f"what {where} has of {name!r} is not what a log writes ({told})")
    return LogUnavailable(f"{where} refuses: {told}")
