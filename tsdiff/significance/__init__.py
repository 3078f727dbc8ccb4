"""Whether one model is better than another, or it is chance.

Arrays of losses in (from `tsdiff.metrics`, lower is better), p-values out. Two models
on the same cells: `block_bootstrap` over series and time; on windows in order of time:
`diebold_mariano`. Many models over many series: `friedman`, then `nemenyi`. `verdict`
says it in a sentence.
"""

from tsdiff.significance.blocks import automatic_block_length
from tsdiff.significance.bootstrap import BootstrapTest, block_bootstrap
from tsdiff.significance.paired import diebold_mariano
from tsdiff.significance.ranks import Friedman, Nemenyi, friedman, nemenyi
from tsdiff.significance.wording import holm, verdict

__all__ = [
    "BootstrapTest",
    "Friedman",
    "Nemenyi",
    "automatic_block_length",
    "block_bootstrap",
    "diebold_mariano",
    "friedman",
    "holm",
    "nemenyi",
    "verdict",
]
