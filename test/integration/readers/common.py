"""What every reader shares: the request on standard input, the answers on standard output, opening a catalog by PyIceberg.

Request, one JSON document:
  {"catalog": {"type": "sql", "uri": FILE, "name": NAME, "warehouse": LOCATION, "s3": S3}
           or {"type": "rest", "uri": URL, "warehouse": W, "token": T, "s3": S3},
   "table": [NAMESPACE..., NAME],            or "tables": [TABLE...], of which each is asked all queries
   "queries": [{"select": [COLUMN...], "where": {"column", "op", "value"}, "aggregate": "min" | "max" | "count", "column": C, "unpruned": BOOL, "scanned": BOOL}...]}
  S3: {"endpoint", "region", "accessKeyId", "secretAccessKey"}. Values are canonical (canonical.py).
Answer: one line of JSON for each query, {"rows": [ROW...]} or {"error": TEXT}; each ROW is the canonical JSON text of an object.
With "scanned" the answer is one row {"files": N}: the data files that the engine looks into.
An aggregate's answer is one row {"min": V}, {"max": V} or {"count": N}: nulls and NaN are left out of min and max, nulls out of count of a column.
A comparison is never true for null or NaN, and takes -0.0 for 0.0. In "where" and "column", `struct.field` is a field of a struct.
"""

import base64
import json
import os
import sys
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

import canonical

EPOCH = datetime(1970, 1, 1)


def serve(open_table):
    """Reads the request and answers each query with what `open_table(request)` gives: a function from query to row objects."""
    request = json.load(sys.stdin)
    for table in request.get("tables") or [request["table"]]:
        answer = open_table({**request, "table": table})
        for query in request["queries"]:
            try:
                line = {"rows": [canonical.dump(row) for row in answer(query)]}
            except Exception as error:  # one query's failure is that query's answer
                line = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.write(canonical.dump(line) + "\n")
    finish()


def finish():
    """Ends the program at once: what pyarrow's S3 client does at an orderly end has crashed after all answers were given."""
    sys.stdout.flush()
    os._exit(0)


def load_catalog(request):
    """The request's catalog, opened by PyIceberg."""
    from pyiceberg.catalog import load_catalog as load

    catalog = request["catalog"]
    properties = {"type": catalog["type"], "uri": catalog["uri"]}
    if catalog["type"] == "sql":
        properties["uri"] = f"sqlite:///{catalog['uri']}"
    for name in ("warehouse", "token"):
        if catalog.get(name):
            properties[name] = catalog[name]
    s3 = catalog.get("s3")
    if s3:
        properties |= {
            "s3.endpoint": s3["endpoint"],
            "s3.region": s3["region"],
            "s3.access-key-id": s3["accessKeyId"],
            "s3.secret-access-key": s3["secretAccessKey"],
        }
    return load(catalog.get("name", "default"), **properties)


def load_table(request):
    return load_catalog(request).load_table(tuple(request["table"]))


def kinds_of(schema):
    """Each column's Iceberg type name, and each nested field's by `struct.field`."""
    return {name: str(schema.find_field(name).field_type) for name in schema.column_names}


def uuid_columns(schema):
    """The names of an Iceberg schema's top-level columns that are, or hold, UUIDs."""
    return {field.name for field in schema.fields if "uuid" in str(field.field_type)}


def python_value(kind, value):
    """A canonical value as the Python value of an Iceberg type's name."""
    if kind in ("int", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind.startswith("decimal"):
        return Decimal(value)
    if kind == "date":
        return date(1970, 1, 1) + timedelta(days=int(value))
    if kind == "time":
        return (EPOCH + timedelta(microseconds=int(value))).time()
    if kind == "timestamp":
        return EPOCH + timedelta(microseconds=int(value))
    if kind == "timestamptz":
        return (EPOCH + timedelta(microseconds=int(value))).replace(tzinfo=timezone.utc)
    if kind == "uuid":
        return uuid.UUID(value)
    if kind == "binary" or kind.startswith("fixed"):
        return base64.b64decode(value)
    return value


def order_key(kind, value):
    """What a canonical value of an Iceberg type is ordered by: bytes for strings and binaries, numbers for the rest."""
    if kind == "string":
        return value.encode()
    if kind == "uuid":
        return uuid.UUID(value).bytes
    if kind in ("date", "time", "timestamp", "timestamptz"):
        return int(value)
    return python_value(kind, value)
