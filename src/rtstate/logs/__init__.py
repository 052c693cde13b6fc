"""Logs: where the events of many conversations are kept, in memory, in a file, or on a Redis server."""

from rtstate.logs._log import Checkpoint, Entry, Lease, Log, Record, Summary
from rtstate.logs._urls import open_log
from rtstate.logs.memory import MemoryLog

__all__ = [
    "Checkpoint",
    "Entry",
    "Lease",
    "Log",
    "MemoryLog",
    "Record",
    "Summary",
    "open_log",
]
