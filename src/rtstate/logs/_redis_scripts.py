"""What a Redis server does for a log in one step: its scripts, and the keys that they are given.

A script is atomic, also in the append-only file and on replicas: its effects go there as one transaction.
Each declares that it is Lua (``#!lua``), so a server without room or without its disk refuses it before it
has written anything. What takes next to no room is done all the same (``allow-oom``): a hub that could not
say that it lives, or take a lease, could not delete anything either.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha1
from typing import Final
from urllib.parse import unquote

import attrs

_QUOTED = str.maketrans({mark: f"%{ord(mark):02X}" for mark in "%{}"})


@attrs.frozen
class Keys:
    """The keys of a log: those of one conversation share a hash tag, and so a node of a cluster.

    >>> Keys("rtstate").events("{a} 100%")
    'rtstate:{%7Ba%7D 100%25}:events'
    """

    prefix: str

    def meta(self, name: str) -> str:
        """Name the hash of what is known of a conversation."""
        return f"{self.prefix}:{{{name.translate(_QUOTED)}}}:meta"

    def events(self, name: str) -> str:
        """Name the stream of events, and the channel on which it is told that there are more."""
        return f"{self.prefix}:{{{name.translate(_QUOTED)}}}:events"

    def checkpoint(self, name: str) -> str:
        """Name the last checkpoint."""
        return f"{self.prefix}:{{{name.translate(_QUOTED)}}}:checkpoint"

    def holder(self, holder: str) -> str:
        """Name what is there as long as a holder lives."""
        return f"{self.prefix}:holder:{{{holder.translate(_QUOTED)}}}"

    def all_events(self) -> str:
        """Return the pattern of all streams of events."""
        escaped = "".join(f"\\{mark}" if mark in "*?[]\\^" else mark for mark in self.prefix)
        return f"{escaped}:{{*}}:events"

    def name(self, key: bytes) -> str | None:
        """Return the conversation whose stream this is; None for a key that is none of ours."""
        try:
            name = unquote(key.decode()[len(self.prefix) + 2 : -len("}:events")], errors="strict")
        except UnicodeDecodeError:
            return None
        return name if self.events(name).encode() == key else None


class Script:
    """A script, and the name that a server knows it by once it has run it."""

    def __init__(self, body: str, *flags: str) -> None:
        self.text = f"#!lua{' flags=' + ','.join(flags) if flags else ''}\n{body}"
        self.sha = sha1(self.text.encode(), usedforsecurity=False).hexdigest()


def _scripts() -> Iterator[Script]:
    for body, flags in (
        (_APPEND, ()),
        (_PAGE, ("no-writes",)),
        (_LOAD, ("no-writes",)),
        (_CHECKPOINT, ()),
        (_TRIM, ("allow-oom",)),
        (_DELETE, ("allow-oom",)),
        (_BEAT, ("allow-oom",)),
        (_ACQUIRE, ("allow-oom",)),
        (_RELEASE, ("allow-oom",)),
    ):
        yield Script(body, *flags)


_LEASE: Final = """
local function lost(meta, epoch)
  local held = redis.call('HMGET', meta, 'epoch', 'holder')
  return epoch ~= '' and not (held[1] == epoch and held[2])
end
"""

_NOW: Final = """
local time = redis.call('TIME')
local now = time[1] .. string.format('%06d', time[2])
"""

# KEYS meta, events; ARGV expected, epoch, batch, bytes, end, and for each entry its last event, the number of
# its fields and values, and those. What was refused may be a batch that is there already, sent again because
# the answer was lost: it is told by its own name at its own place.
_APPEND: Final = f"""{_LEASE}{_NOW}
local expected, epoch, batch, bytes, last = unpack(ARGV, 1, 5)
local ends = redis.call('HGET', KEYS[1], 'last') or '0'
local refused = lost(KEYS[1], epoch) and 'lost' or ends ~= expected and 'stale'
if refused then
  local there = redis.call('XRANGE', KEYS[2], last .. '-0', last .. '-0')[1]
  if there and there[2][1] == 'batch' and there[2][2] == batch then return {{'kept', last}} end
  return {{refused, ends}}
end
local at = 6
while at <= #ARGV do
  local many = tonumber(ARGV[at + 1])
  redis.call('XADD', KEYS[2], ARGV[at] .. '-0', unpack(ARGV, at + 2, at + 1 + many))
  at = at + 2 + many
end
if ends == '0' then redis.call('HSET', KEYS[1], 'birth', now, 'first', '1') end
redis.call('HSET', KEYS[1], 'last', last, 'updated', now)
redis.call('HINCRBY', KEYS[1], 'size', bytes)
redis.pcall('SPUBLISH', KEYS[2], last)
return {{'kept', last}}
"""

# KEYS meta, events; ARGV after, bytes. The name of the batch that ends at the point is told too: a server
# that has lost its end, and was written since, has another there. Entries are taken in steps that grow, so
# that what is read and then not returned is little, however large they are.
_PAGE: Final = """
local page = redis.call('HMGET', KEYS[1], 'birth', 'first', 'last')
local here = redis.call('XRANGE', KEYS[2], ARGV[1] .. '-0', ARGV[1] .. '-0')[1]
page[4] = here and here[2][2] or false
local entries, bytes, room = {}, 0, tonumber(ARGV[2])
local from = string.format('%.0f-0', tonumber(ARGV[1]) + 1)
while bytes < room do
  local step = math.min(math.max(#entries, 1), 32)
  local some = redis.call('XRANGE', KEYS[2], from, '+', 'COUNT', step)
  for _, entry in ipairs(some) do
    if bytes >= room then break end
    entries[#entries + 1] = entry
    for place = 2, #entry[2], 2 do bytes = bytes + #entry[2][place] end
  end
  if #some < step then break end
  from = '(' .. some[#some][1]
end
page[5] = entries
return page
"""

# KEYS meta, checkpoint
_LOAD: Final = """
return {redis.call('HGET', KEYS[1], 'checkpoint'), redis.call('GET', KEYS[2])}
"""

# KEYS meta, checkpoint; ARGV seq, data, epoch
_CHECKPOINT: Final = f"""{_LEASE}
if lost(KEYS[1], ARGV[3]) then return {{'lost'}} end
local meta = redis.call('HMGET', KEYS[1], 'last', 'checkpoint')
local seq = tonumber(ARGV[1])
if not meta[1] then return {{'gone'}} end
if seq > tonumber(meta[1]) then return {{'after', meta[1]}} end
if not meta[2] or seq > tonumber(meta[2]) then
  redis.call('SET', KEYS[2], ARGV[2])
  redis.call('HSET', KEYS[1], 'checkpoint', ARGV[1])
end
return {{'kept'}}
"""

# KEYS meta, events. An entry that the checkpoint holds in part stays whole.
_TRIM: Final = """
local meta = redis.call('HMGET', KEYS[1], 'first', 'last', 'checkpoint')
if not meta[3] then return 0 end
redis.call('XTRIM', KEYS[2], 'MINID', '=', string.format('%.0f-0', tonumber(meta[3]) + 1))
local first = tonumber(meta[2]) + 1
local left = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
if left then
  first = tonumber(string.match(left[1], '^%d+')) + 1
  for place = 1, #left[2], 2 do if left[2][place] == 'raw' then first = first - 1 end end
end
redis.call('HSET', KEYS[1], 'first', string.format('%.0f', first))
return first - tonumber(meta[1])
"""

# KEYS meta, events, checkpoint; ARGV epoch. Of what is not there no lease is asked: it may be sent again.
_DELETE: Final = f"""{_LEASE}
if redis.call('EXISTS', KEYS[1]) == 1 and lost(KEYS[1], ARGV[1]) then return 'lost' end
local there = redis.call('HEXISTS', KEYS[1], 'last') + redis.call('EXISTS', KEYS[2])
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
redis.pcall('SPUBLISH', KEYS[2], '0')
return there
"""

# KEYS holder; ARGV milliseconds
_BEAT: Final = """
return redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
"""

# KEYS meta; ARGV holder, and the epoch of the lease whose holder was found dead. Where a conversation was
# deleted its epochs are forgotten; they go on with the clock, so that no old lease is good again.
_ACQUIRE: Final = f"""{_NOW}
local held = redis.call('HMGET', KEYS[1], 'holder', 'epoch')
if held[1] and held[1] ~= ARGV[1] and held[2] ~= ARGV[2] then return {{'held', held[1], held[2]}} end
local epoch = string.format('%.0f', math.max(tonumber(held[2] or 0) + 1, tonumber(now)))
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'epoch', epoch)
return {{'given', epoch}}
"""

# KEYS meta; ARGV epoch
_RELEASE: Final = f"""{_LEASE}
if lost(KEYS[1], ARGV[1]) then return 0 end
if redis.call('HEXISTS', KEYS[1], 'last') == 0 then return redis.call('DEL', KEYS[1]) end
return redis.call('HDEL', KEYS[1], 'holder')
"""

APPEND, PAGE, LOAD, CHECKPOINT, TRIM, DELETE, BEAT, ACQUIRE, RELEASE = _scripts()
