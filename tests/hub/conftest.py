"""The same logs as in the contract."""

from tests.logs.conftest import anyio_backend, store

__all__ = ["anyio_backend", "store"]
