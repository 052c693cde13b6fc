"""What a Redis server's refusals mean for a log, and what can be done about them."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from rtstate.errors import LogDamaged, LogError, LogUnavailable

_PASSWORD: Final = "does not accept the user or the password: mend them in the URL"
A_NODE: Final = (
    "is one node of a cluster, and others have the rest: "
    "name the cluster, redis+cluster://…, or give RedisLog a RedisCluster client"
)

_REFUSALS: Final = {
    "LOADING": "is still loading what it keeps: try again in a while",
    "WRONGPASS": _PASSWORD,
    "NOAUTH": "wants a user and a password: put them into the URL",
    "NOPERM": "does not allow its user what a log does: mend the rules of that user",
    "OOM": "has no memory left: raise its maxmemory, or trim or delete conversations",
    "MISCONF": "cannot save to its disk, and so takes no writes: make room there, or see its own log",
    "READONLY": "is a replica and takes no writes: name the primary",
    "NOREPLICAS": "has too few replicas to take writes: wait until they are back",
    "MASTERDOWN": "is a replica that has lost its primary: name the primary",
    "CLUSTERDOWN": "is of a cluster that is down: try again when each slot has a node",
    "TRYAGAIN": "is moving this to another node: try again",
    "MOVED": A_NODE,
    "ASK": A_NODE,
    "BUSY": "is busy with another's script: try again",
}
"""By the first word of its answer."""

_TOO_OLD: Final = ("compiling script", "unknown command", "Unknown Redis command")


def address(client: Redis | RedisCluster) -> str:
    """Return where a client's server is, without its user and password."""
    if isinstance(client, RedisCluster):
        node: Any = client.startup_nodes[0]
        return f"{node.host}:{node.port}"
    options: dict[str, Any] = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}")


def ours(error: Exception, where: str, name: str | None = None) -> LogError:
    """Return an exception of redis-py as one of a log; ``name`` is the conversation it is about."""
    told = str(error)
    code = (error.status_code if isinstance(error, RedisError) else None) or told.partition(" ")[0]
    if code in _REFUSALS:
        return LogUnavailable(f"{where} {_REFUSALS[code]}")
    if isinstance(error, AuthenticationError):
        return LogUnavailable(f"{where} {_PASSWORD}")
    if isinstance(error, RedisTimeoutError):
        return LogUnavailable(f"{where} did not answer in time: try again, or allow it more time")
    if not isinstance(error, ResponseError):
        return LogUnavailable(f"{where} cannot be reached; see that a server runs there ({told})")
    if "DB index is out of range" in told:
        return LogUnavailable(f"{where} has no such database: name another in the URL")
    if any(words in told for words in _TOO_OLD):
        return LogUnavailable(f"{where} is too old: a log needs Redis 7 or newer")
    if name is not None:  # a key of another type, or a script that stumbled over what it found
        return LogDamaged(f"what {where} has of {name!r} is not what a log writes ({told})")
    return LogUnavailable(f"{where} refuses: {told}")
