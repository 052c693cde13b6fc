"""The same logs as in the contract."""

from tests.logs.conftest import anyio_backend, redis_server, store

__all__ = ["anyio_backend", "redis_server", "store"]
