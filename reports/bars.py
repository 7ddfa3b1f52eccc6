"""The one chart of a run's page, drawn without a charting library: that would cost every run two seconds to load."""

from base64 import b64encode
from collections.abc import Mapping

__all__ = ["data_uri", "touches"]

MUTED, NOBODY, SOMEBODY = "#5b6773", "#e4e8ec", "#2f6db3"
WIDTH, HEIGHT, ROOM, FLOOR = 720, 200, 24, 150
TEXT = f'font-family="DejaVu Sans, Verdana, sans-serif" font-size="12" fill="{MUTED}" text-anchor="middle"'


def touches(counts: Mapping[int, int], days: int) -> str:
    """How many contacts had how many touches in a window, as SVG; nobody is left out, also who had none."""
    most = max((number for number, contacts in counts.items() if contacts), default=0)
    tallest = max(max(counts.values(), default=0), 1)
    step = (WIDTH - 2 * ROOM) / (most + 1)
    drawn = [_bar(number, counts.get(number, 0), ROOM + step * (number + 0.5), step, tallest) for number in range(most + 1)]
    caption = f'<text x="{WIDTH / 2:.1f}" y="{HEIGHT - 6}" {TEXT}>touches made to a contact in {days} days</text>'
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
            f"<title>Contacts by touches in {days} days</title>" + "".join(drawn) + caption + "</svg>")


def _bar(number: int, contacts: int, middle: float, step: float, tallest: int) -> str:
    height = (FLOOR - 2 * ROOM) * contacts / tallest
    colour = SOMEBODY if number else NOBODY
    bar = (f'<rect x="{middle - step * 0.36:.1f}" y="{FLOOR - height:.1f}" width="{step * 0.72:.1f}" '
           f'height="{height:.1f}" fill="{colour}"/>')
    above = f'<text x="{middle:.1f}" y="{FLOOR - height - 6:.1f}" {TEXT}>{contacts:,}</text>' if contacts else ""
    return bar + above + f'<text x="{middle:.1f}" y="{FLOOR + 18}" {TEXT}>{number}</text>'


def data_uri(svg: str) -> str:
    """The drawing as an address that an <img> or Markdown shows without fetching anything."""
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()
