"""Figures in a page: their data, and what a dark ground changes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from tsdiff.plotting.zooming import all_points, harmless
from tsdiff.reporting.markup import text

Path = list[str | int]


def picture(plot: Callable[..., Any], template: Any, caption: str = "") -> str:
    """Put a figure into a page, whose script draws it.

    Parameters
    ----------
    plot : callable
        Makes the plotly figure when it is given ``template=``.
    template : str or plotly template or None
        None draws by the reader's setting, light or dark.
    caption : str, default ""

    Returns
    -------
    str
        Markup: a place, and the figure in JSON that no markup can break out of.
    """
    drawn = plot(template=template)
    figure = json.loads(drawn.to_json())
    patches: list[tuple[Path, Any]] = []
    if template is None:
        dark = json.loads(plot(template="dark").to_json())
        patches = list(changes(figure, dark))
    held = harmless({"figure": figure, "dark": patches, "whole": all_points(drawn)})
    height = int(figure["layout"].get("height", 450))
    said = f"<figcaption><bdi>{text(caption)}</bdi></figcaption>" if caption else ""
    return (
        f"<figure>{said}<div class='plot' style='min-height:{height}px'></div>"
        f"<script type='application/json'>{held}</script></figure>"
    )


def changes(
    one: Any, other: Any, path: Path | None = None
) -> Iterator[tuple[Path, Any]]:
    """Find what has to be set in one JSON value to make another of it.

    Parameters
    ----------
    one, other : object
    path : list of str and int, optional
        Where they lie.

    Yields
    ------
    path : list of str and int
    value : object
        Of `other`.

    Examples
    --------
    >>> list(changes({"a": [1, 2], "b": 3}, {"a": [1, 5], "b": 3}))
    [(['a', 1], 5)]
    """
    path = path or []
    if one == other:
        return
    keys: Any = None
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        keys = one
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        keys = range(len(one))
    if keys is None:
        yield path, other
        return
    for key in keys:
        yield from changes(one[key], other[key], [*path, key])
