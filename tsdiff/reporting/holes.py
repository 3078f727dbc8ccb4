"""Section: the data as they are, and what is missing of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from tsdiff import plotting
from tsdiff.gaps import gap_lengths
from tsdiff.missingness import count_gaps
from tsdiff.panel.frame import Panel
from tsdiff.plotting.style import decimals, written
from tsdiff.reporting.markup import paragraph, section, table
from tsdiff.reporting.pictures import picture
from tsdiff.reporting.subject import Subject

_HEAD = ("cells", "missing", "gaps", "longest gap", "smallest", "median", "largest")
#: Channels that are listed one by one.
MOST_CHANNELS = 100


def holes(subject: Subject) -> str:
    """Describe each channel, and draw what is missing."""
    panel = subject.panel
    rest = len(panel.channels) - MOST_CHANNELS
    return section(
        "data",
        "Data and gaps",
        table("Channels", ["channel", *_HEAD], _channels(panel)),
        paragraph(f"{rest:,} more channels are not listed.") if rest > 0 else "",
        picture(partial(plotting.plot_missingness, subject.frame), subject.template),
    )


def _channels(panel: Panel) -> Iterator[list[str]]:
    longest = gap_lengths(panel).max(axis=0)
    n_gaps = count_gaps(panel)[1].sum(axis=0)
    values = pd.DataFrame(panel.values)
    numbers = np.stack([values.min(), values.median(), values.max()], axis=1)
    for k, name in enumerate(panel.channels[:MOST_CHANNELS]):
        column = panel.values[:, k]
        share = 100 * np.isnan(column).mean()
        yield [
            name,
            f"{len(column):,}",
            f"{share:.3g} %",
            f"{n_gaps[k]:,}",
            f"{longest[k]:,}",
            *(
                "-" if text == "nan" else text
                for text in written(numbers[k], decimals(column))
            ),
        ]
