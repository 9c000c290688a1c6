"""Queries answered in plain Python over all rows, with no statistics in sight."""

import common


def value_at(row, column):
    """A column's value, or a field's of a struct by `struct.field`; None where the struct is."""
    for name in column.split("."):
        row = None if row is None else row[name]
    return row


def matches(kind, predicate, value):
    """Whether one canonical value satisfies a predicate."""
    op = predicate["op"]
    if op in ("is null", "is not null"):
        return (value is None) == (op == "is null")
    if value is None:
        return False
    if op == "is nan":
        return value == "NaN"
    if op == "starts with":
        return value.startswith(predicate["value"])
    if value == "NaN" and kind in ("float", "double"):
        return False
    key = common.order_key(kind, value)
    if op == "in":
        return any(key == common.order_key(kind, other) for other in predicate["value"])
    other = common.order_key(kind, predicate["value"])
    return {"=": key == other, "<": key < other, ">=": key >= other}[op]


def answer(kinds, rows, query):
    """The answer to a query over canonical row objects; `kinds` gives each column's Iceberg type name."""
    where = query.get("where")
    if where:
        rows = [row for row in rows if matches(kinds[where["column"]], where, value_at(row, where["column"]))]
    if "aggregate" in query:
        return [aggregate(kinds, rows, query)]
    select = query.get("select")
    return [{name: row[name] for name in select} for row in rows] if select else rows


def aggregate(kinds, rows, query):
    name, column = query["aggregate"], query.get("column")
    if column is None:
        return {name: str(len(rows))}
    values = [value for row in rows if (value := value_at(row, column)) is not None]
    if name == "count":
        return {name: str(len(values))}
    kind = kinds[column]
    if kind in ("float", "double"):
        # A minimum of zero has no sign: which of the two zeros comes first is each engine's own affair.
        values = ["0e+0" if value == "-0e+0" else value for value in values if value != "NaN"]
    pick = {"min": min, "max": max}[name]
    return {name: pick(values, key=lambda value: common.order_key(kind, value), default=None)}
