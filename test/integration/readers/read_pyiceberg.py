"""Answers queries by PyIceberg: manifests and Parquet row groups pruned by its own evaluators, or over all rows when `unpruned`."""

import canonical
import common
import oracle
from pyiceberg.expressions import EqualTo, GreaterThanOrEqual, In, IsNaN, IsNull, LessThan, NotNull, StartsWith, literal

COMPARISONS = {"=": EqualTo, "<": LessThan, ">=": GreaterThanOrEqual, "starts with": StartsWith}
TESTS = {"is null": IsNull, "is not null": NotNull, "is nan": IsNaN}


def expression(schema, where):
    """A predicate of a request as PyIceberg's."""
    if where["op"] in TESTS:
        return TESTS[where["op"]](where["column"])
    kind = str(schema.find_field(where["column"]).field_type)
    if where["op"] == "in":
        return In(where["column"], {literal(common.python_value(kind, value)) for value in where["value"]})
    return COMPARISONS[where["op"]](where["column"], literal(common.python_value(kind, where["value"])))


def open_table(request):
    table = common.load_table(request)
    schema = table.schema()
    kinds = common.kinds_of(schema)
    uuids = common.uuid_columns(schema)
    everything = []

    def rows(scan):
        return canonical.table(scan.to_arrow(), uuids)

    def answer(query):
        where = query.get("where")
        if query.get("unpruned"):
            if not everything:
                everything.append(rows(table.scan()))
            return oracle.answer(kinds, everything[0], query)
        scan = table.scan(row_filter=expression(schema, where)) if where else table.scan()
        if query.get("scanned"):
            return [{"files": str(len(list(scan.plan_files())))}]
        if "aggregate" not in query:
            select = query.get("select")
            return rows(scan.select(*select) if select else scan)
        if query.get("column") is None:
            return [{"count": str(scan.count())}]
        column = query["column"]
        return oracle.answer(kinds, rows(scan.select(column)), {"aggregate": query["aggregate"], "column": column})

    return answer


if __name__ == "__main__":
    common.serve(open_table)
