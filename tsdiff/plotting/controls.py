"""Controls that act apart from each other: a choice in one keeps those of the others.

One changes the rows' axes, one which traces are visible, one their arrays; and where
two have to change arrays, the first one puts new steps into the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tsdiff.plotting.menus import exchanged, place_menu, shown_rows
from tsdiff.plotting.style import safe

Control = dict[str, Any]
Frames = Sequence[Sequence[dict[str, Any]]]  # arrays of every trace, frame by frame

SLIDER_HEIGHT = 78  # pixels, with what it says of the chosen step
_LABEL = 40  # pixels of the last step's label to the right of the slider
_FRAME = 90  # milliseconds
_LONGEST = 30  # characters of an entry


def rows_menu(names: Sequence[str], domains: Sequence[tuple[float, float]]) -> Control:
    """Build the menu that shows all rows or one of them; the traces stay as they are.

    Parameters
    ----------
    names : sequence of str of length n_rows
    domains : sequence of (float, float)
        Bottom and top of each row.

    Returns
    -------
    dict
        An entry of ``layout.updatemenus``.
    """
    every = list(range(len(names)))
    choices = [("All channels", every, list(domains))]
    choices += [(name, [row], [(0.0, 1.0)]) for row, name in enumerate(names)]
    buttons = [
        {
            "label": safe(label, _LONGEST),
            "method": "relayout",
            "args": [shown_rows(rows, len(names), place)],
        }
        for label, rows, place in choices
    ]
    return place_menu(buttons, above=0)


def owners_menu(
    every: str, names: Sequence[Any], owners: Sequence[int | None], above: int
) -> Control:
    """Build the menu that shows the traces of all owners or of one of them.

    Parameters
    ----------
    every : str
        Entry for all.
    names : sequence
        Of the owners.
    owners : sequence of int or None
        Owner of each trace; None is always shown.
    above : int
        How many menus stand below.

    Returns
    -------
    dict
        An entry of ``layout.updatemenus``.
    """
    buttons = [
        {
            "label": every if chosen is None else safe(names[chosen], _LONGEST),
            "method": "restyle",
            "args": [
                {
                    "visible": [
                        chosen is None or owner is None or owner == chosen
                        for owner in owners
                    ]
                }
            ],
        }
        for chosen in (None, *range(len(names)))
    ]
    return place_menu(buttons, above)


def slider(labels: Sequence[str], frames: Frames, prefix: str, pad: int) -> Control:
    """Build the slider whose steps exchange the arrays of the traces.

    Parameters
    ----------
    labels : sequence of str
        Of the steps.
    frames : sequence of sequences of dict
        ``x``, ``y`` and perhaps ``text`` of every trace, step by step.
    prefix : str
        Of the label of the chosen step.
    pad : int
        Pixels between the plot and the slider.

    Returns
    -------
    dict
        An entry of ``layout.sliders``.
    """
    return _place_slider(slider_steps(labels, frames), prefix, pad)


def film_slider(labels: Sequence[str], prefix: str, pad: int) -> Control:
    """Build the slider over the frames of a figure, which are named 0, 1, 2, ...

    Parameters
    ----------
    labels : sequence of str
        Of the frames.
    prefix, pad
        As in `slider`.

    Returns
    -------
    dict
        An entry of ``layout.sliders``.
    """
    steps = [
        {"label": label, "method": "animate", "args": [[str(k)], _animation(0)]}
        for k, label in enumerate(labels)
    ]
    return _place_slider(steps, prefix, pad)


def play_buttons(above: int) -> Control:
    """Build the buttons that play the frames of a figure and stop them.

    Parameters
    ----------
    above : int
        How many menus stand below.

    Returns
    -------
    dict
        An entry of ``layout.updatemenus``.
    """
    buttons: list[Control] = [
        {"label": "▶ Play", "method": "animate", "args": [None, _animation(_FRAME)]},
        {"label": "❚❚ Stop", "method": "animate", "args": [[None], _animation(0)]},
    ]
    look = {"type": "buttons", "direction": "right", "showactive": False}
    return place_menu(buttons, above) | look


def _animation(duration: int) -> Control:
    """Show frames at once, each for some milliseconds."""
    return {
        "mode": "immediate",
        "frame": {"duration": duration, "redraw": False},
        "transition": {"duration": 0},
    }


def _place_slider(steps: list[Control], prefix: str, pad: int) -> Control:
    """Put a slider under the plot."""
    return {
        "active": 0,
        "steps": steps,
        "x": 0.0,
        "len": 1.0,
        "y": 0.0,
        "yanchor": "top",
        "pad": {"t": pad, "b": 0, "l": 0, "r": _LABEL},
        "currentvalue": {"prefix": prefix, "font": {"size": 13}},
        "font": {"size": 10},
        "tickcolor": "#8a8a8a",
    }


def slider_steps(labels: Sequence[str], frames: Frames) -> list[Control]:
    """List the steps of `slider`."""
    return [
        {
            "label": safe(label, _LONGEST),
            "method": "restyle",
            "args": [exchanged(traces), list(range(len(traces)))],
        }
        for label, traces in zip(labels, frames, strict=True)
    ]


def slided_series_menu(
    ids: Sequence[Any], labels: Sequence[str], data: Sequence[Frames], above: int
) -> Control:
    """Build the menu that shows another series, and gives the slider its steps.

    Parameters
    ----------
    ids : sequence of length n_series
    labels : sequence of str
        Of the slider's steps.
    data : sequence of length n_series
        Frames of each series, as in `slider`.
    above : int
        How many menus stand below.

    Returns
    -------
    dict
        An entry of ``layout.updatemenus``.
    """
    buttons = [
        {
            "label": safe(name, _LONGEST),
            "method": "update",
            "args": [
                exchanged(frames[0]),
                {
                    "sliders[0].active": 0,
                    "sliders[0].steps": slider_steps(labels, frames),
                },
                list(range(len(frames[0]))),
            ],
        }
        for name, frames in zip(ids, data, strict=True)
    ]
    return place_menu(buttons, above)
