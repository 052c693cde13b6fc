"""A hub: many conversations, in memory as long as they are used, in a log for good."""

from rtstate.hub._hub import Hub, HubStats
from rtstate.hub._revive import Revived, revive

__all__ = ["Hub", "HubStats", "Revived", "revive"]
