"""A Realtime server to try clients against, and a client that holds a call; over real WebSockets.

``pip install 'rtstate[server]'`` brings what they need, websockets.
"""

from rtstate.simulate.live._serving import Call, FakeServer, serve_fake
from rtstate.simulate.live._talking import Talk, TalkError, talk

__all__ = ["Call", "FakeServer", "Talk", "TalkError", "serve_fake", "talk"]
