"""Colours of lines and bands."""

from __future__ import annotations

# Okabe & Ito's colours: told apart with every kind of colour blindness, and in print.
INK = "#333333"
BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PALETTE = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00")
# Of the blue, from the widest band, on white and on dark ground.
_BANDS = ("#dceaf4", "#b6d4e8", "#86b7d9", "#5699c8")
_DARK_BANDS = ("#0f3349", "#0c4160", "#085079", "#046094")
GREY = "rgba(128,128,128,0.2)"


def band_color(place: int, text: str = INK) -> str:
    """Colour of a band that lies on wider ones.

    Parameters
    ----------
    place : int
        Number of wider bands.
    text : str
        Colour of text: if it is light, the ground is dark.

    Returns
    -------
    str

    Examples
    --------
    >>> band_color(0), band_color(0, "#eeeeee")
    ('#dceaf4', '#0f3349')
    """
    dark = text.startswith("#") and int(text[1:3], 16) > 127
    shades = _DARK_BANDS if dark else _BANDS
    return shades[min(place, len(shades) - 1)]


def sheer(color: str, place: int = 0) -> str:
    """Make the colour of a line one of a band, through which others are seen.

    Parameters
    ----------
    color : str
        As ``#rrggbb``.
    place : int, default 0
        Number of wider bands.

    Returns
    -------
    str

    Examples
    --------
    >>> sheer("#0072B2")
    'rgba(0,114,178,0.14)'
    """
    red, green, blue = (int(color[k : k + 2], 16) for k in (1, 3, 5))
    share = (0.14, 0.17, 0.26, 0.36)[min(place, 3)]
    return f"rgba({red},{green},{blue},{share})"
