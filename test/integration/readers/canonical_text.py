"""What the canonical form (canonical.py) needs that no Arrow is needed for."""

import json
from decimal import Decimal


def number(value):
    """A float as its shortest digits in scientific notation, which is JavaScript's toExponential()."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    if digits == (0,):
        exponent = 0
    exponent += len(digits) - 1
    fraction = "." + "".join(map(str, digits[1:])) if len(digits) > 1 else ""
    return f"{'-' if sign else ''}{digits[0]}{fraction}e{'+' if exponent >= 0 else '-'}{abs(exponent)}"


def dump(value):
    """Compact JSON, the same text that JavaScript's JSON.stringify gives."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
