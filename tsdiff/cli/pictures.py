"""Pictures of a command's answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tsdiff.atomic import write_whole


def write_picture(path: str, kind: str, *data: Any) -> None:
    """Write a picture as a page that needs no network.

    Parameters
    ----------
    path : str
    kind : str
        Function of `tsdiff.plotting`.
    *data : object
        Its arguments.

    Raises
    ------
    OSError
        If it can't be written.
    """
    from tsdiff import plotting

    page = getattr(plotting, kind)(*data).to_html(include_plotlyjs=True)
    write_whole(Path(os.path.realpath(path)), page.encode("utf-8"))
