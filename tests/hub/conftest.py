"""The same logs as in the contract."""

from tests.logs.conftest import anyio_backend, log, other, redis_server, store

__all__ = ["anyio_backend", "log", "other", "redis_server", "store"]
