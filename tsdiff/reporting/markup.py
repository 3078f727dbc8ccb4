"""Pieces of a page: text goes in, markup comes out."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

Row = Sequence[object]


def text(value: object) -> str:
    """Make anything harmless as text or as an attribute of a page.

    Parameters
    ----------
    value : object

    Returns
    -------
    str

    Examples
    --------
    >>> text("<b>'CO2'</b>")
    '&lt;b&gt;&#x27;CO2&#x27;&lt;/b&gt;'
    """
    known = str(value).encode("utf-8", "replace").decode("utf-8")  # no lone surrogates
    return html.escape(known)


def paragraph(said: str, kind: str = "") -> str:
    """Say something; `kind` is "alarm" for what must not be overlooked."""
    return (
        f'<p class="{text(kind)}">{text(said)}</p>' if kind else f"<p>{text(said)}</p>"
    )


def bullets(lines: Iterable[str]) -> str:
    """List lines of text."""
    return f"<ul>{''.join(f'<li>{text(line)}</li>' for line in lines)}</ul>"


def table(
    caption: str, head: Sequence[str], rows: Iterable[Row], kind: str = "numbers"
) -> str:
    """Lay out a table whose rows are named by their first cell.

    Parameters
    ----------
    caption : str
    head : sequence of str
        Names of the columns; if all are empty, there is no head.
    rows : iterable of sequences
        Text, or what becomes text; a number has to be written already.
    kind : {"numbers", "words"}, default "numbers"
        What its cells hold: numbers stand at the right.

    Returns
    -------
    str
        Markup of a table that scrolls sideways if the screen is narrow.

    Examples
    --------
    >>> "<th scope='row'><bdi>&lt;a&gt;</bdi></th><td>1</td>" in table(
    ...     "", ["name", "n"], [["<a>", 1]]
    ... )
    True
    """
    titles = "".join(f"<th scope='col'>{text(name)}</th>" for name in head)
    over = f"<thead><tr>{titles}</tr></thead>" if any(head) else ""
    body = "".join(_row(row) for row in rows)
    said = f"<caption>{text(caption)}</caption>" if caption else ""
    return (
        f"<div class='scroll' tabindex='0'><table class='{kind}'>{said}"
        f"{over}<tbody>{body}</tbody></table></div>"
    )


def _row(row: Row) -> str:
    name, *cells = row
    rest = "".join(f"<td>{text(cell)}</td>" for cell in cells)
    return f"<tr><th scope='row'><bdi>{text(name)}</bdi></th>{rest}</tr>"


def beside(*parts: str) -> str:
    """Let parts, which are markup already, stand side by side where there is room."""
    return f"<div class='beside'>{''.join(parts)}</div>"


def sentence(said: str) -> str:
    """Begin with a capital letter, end with a full stop."""
    return f"{said[:1].upper()}{said[1:].rstrip('.')}."


def heading(said: str) -> str:
    """Head a part of a section."""
    return f"<h3><bdi>{text(said)}</bdi></h3>"


def section(name: str, title: str, *parts: str) -> str:
    """Put parts, which are markup already, under a title.

    Parameters
    ----------
    name : str
        By which the page links to it.
    title : str
    *parts : str

    Returns
    -------
    str
    """
    inside = "\n".join(part for part in parts if part)
    return f"<section id='{text(name)}'><h2>{text(title)}</h2>\n{inside}\n</section>"
