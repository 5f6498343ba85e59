"""Numbers as people read them: three significant figures, and the unit always there."""

from __future__ import annotations


def three_figures(value: float) -> str:
    """Return ``value`` with three significant figures and no exponent.

    >>> three_figures(1.2), three_figures(0.41234), three_figures(1234.5)
    ('1.20', '0.412', '1234')
    """
    if value == 0:
        return "0"
    magnitude = abs(float(f"{value:.2e}"))  # rounded first: 9.999 has the digits of 10.0
    decimals = 0 if magnitude >= 100 else 1 if magnitude >= 10 else 2 if magnitude >= 1 else 3
    return f"{value:.{decimals}f}"


def seconds(value: float | None) -> str:
    """Return a duration in seconds as text with its unit; ``None`` gives a dash.

    >>> [seconds(v) for v in (None, 0, 0.00004, 0.0412, 0.412, 1.2, 75.04, 754, 7500)]
    ['–', '0 s', '40.0 µs', '41.2 ms', '0.412 s', '1.20 s', '75.0 s', '12 min 34 s', '2 h 5 min']
    """
    if value is None:
        return "–"
    if value <= 0:
        return "0 s"
    if value < 0.0009995:
        return f"{three_figures(value * 1e6)} µs"
    if value < 0.09995:
        return f"{three_figures(value * 1e3)} ms"
    if value < 119.95:
        return f"{three_figures(value)} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, in thousands where it is long.

    >>> plural(1, "node"), plural(9120, "token"), plural(2, "try")
    ('1 node', '9,120 tokens', '2 tries')
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1] + 'ies' if noun.endswith('ry') else noun + 's'}"
