"""One question to very many series, shard by shard, in any number of processes."""

from tsdiff.fanout.answers import FanOut
from tsdiff.fanout.running import fan_out

__all__ = ["FanOut", "fan_out"]
