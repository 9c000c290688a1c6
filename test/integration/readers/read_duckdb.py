"""Answers queries by DuckDB: its own Iceberg and Parquet readers, with filters pushed down, or over a copy of all rows when `unpruned`."""

import base64
import glob
import os
import re
import sqlite3
from urllib.parse import urlparse

import canonical
import common
import duckdb

SETTINGS = {"allow_unsigned_extensions": "true", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
SQL_TYPES = {
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "uuid": "UUID",
}


def connect():
    """A connection with the extensions that were installed as packages; nothing is downloaded."""
    connection = duckdb.connect(config=SETTINGS)
    home = os.path.dirname(os.path.dirname(duckdb.__file__))
    found = {os.path.basename(path).split(".")[0]: path for path in glob.glob(f"{home}/duckdb_ext/extensions/*/*/*.duckdb_extension")}
    for name in ("json", "parquet", "httpfs", "avro", "iceberg", "sqlite_scanner"):
        connection.execute(f"LOAD {quoted(found[name])}")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET threads = 2")
    return connection


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def identifier(name):
    return '"' + name.replace('"', '""') + '"'


def path(column):
    """A column, or a field of a struct by `struct.field`."""
    return ".".join(map(identifier, column.split(".")))


def string(text):
    """A string constant; NUL would end DuckDB's query text, so it is spelled."""
    return "(" + " || chr(0) || ".join(quoted(part) for part in text.split("\0")) + ")"


def constant(kind, value):
    """A canonical value as a SQL constant of the column's type."""
    if kind == "string":
        return string(value)
    if kind == "boolean":
        return str(value).lower()
    if kind == "binary" or kind.startswith("fixed"):
        return quoted("".join(f"\\x{byte:02X}" for byte in base64.b64decode(value))) + "::BLOB"
    if kind.startswith("decimal"):
        return quoted(value) + "::" + kind.upper()
    if kind in ("date", "time", "timestamp", "timestamptz"):
        return quoted(common.python_value(kind, value).isoformat().replace("T", " ")) + "::" + SQL_TYPES[kind]
    return quoted(value) + "::" + SQL_TYPES[kind]


def condition(kinds, where):
    """A predicate as SQL. DuckDB takes NaN for the greatest number; here a comparison is never true for it."""
    kind, column, op = kinds(where["column"]), path(where["column"]), where["op"]
    if op in ("is null", "is not null"):
        return f"{column} {op.upper()}"
    if op == "is nan":
        return f"isnan({column})"
    if op == "starts with":
        return f"prefix({column}, {string(where['value'])})"
    if op == "in":
        return f"{column} IN ({', '.join(constant(kind, value) for value in where['value'])})"
    comparison = f"{column} {op} {constant(kind, where['value'])}"
    return f"{comparison} AND NOT isnan({column})" if kind in ("float", "double") else comparison


def source(connection, request):
    """The SQL name of the table, found without any help of PyIceberg."""
    catalog, (*namespace, name) = request["catalog"], request["table"]
    s3 = catalog.get("s3")
    if s3:
        url = urlparse(s3["endpoint"])
        connection.execute(
            f"CREATE SECRET s3 (TYPE s3, KEY_ID {quoted(s3['accessKeyId'])}, SECRET {quoted(s3['secretAccessKey'])}, REGION {quoted(s3['region'])},"
            f" ENDPOINT {quoted(url.netloc)}, URL_STYLE 'path', USE_SSL {url.scheme == 'https'})"
        )
    if catalog["type"] == "rest":
        authorization = f"TOKEN {quoted(catalog['token'])}" if catalog.get("token") else "AUTHORIZATION_TYPE 'none'"
        connection.execute(
            f"ATTACH {quoted(catalog.get('warehouse') or '')} AS ice"
            f" (TYPE iceberg, ENDPOINT {quoted(catalog['uri'])}, {authorization}, ACCESS_DELEGATION_MODE 'none')"
        )
        return f"ice.{identifier('.'.join(namespace))}.{identifier(name)}"
    with sqlite3.connect(f"file:{catalog['uri']}?mode=ro", uri=True) as database:
        row = database.execute(
            "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ? AND table_namespace = ? AND table_name = ?",
            (catalog.get("name", "default"), ".".join(namespace), name),
        ).fetchone()
    if row is None:
        raise LookupError(f"no table {'.'.join(request['table'])} in the catalog")
    return f"iceberg_scan({quoted(row[0])})"


def iceberg_kind(kind):
    """The Iceberg name of a DuckDB type, as far as constants need it."""
    names = {sql: name for name, sql in SQL_TYPES.items()} | {
        "VARCHAR": "string",
        "BLOB": "binary",
        "BOOLEAN": "boolean",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
    }
    return names.get(kind, kind.lower())


def open_table(request):
    connection = connect()
    table = source(connection, request)
    described = connection.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    known = {row[0]: iceberg_kind(row[1]) for row in described}
    copied = []

    def kinds(column):
        if column not in known:
            known[column] = iceberg_kind(connection.execute(f"DESCRIBE SELECT {path(column)} FROM {table}").fetchall()[0][1])
        return known[column]

    def run(sql):
        data = connection.execute(sql).fetch_arrow_table()
        return canonical.table(data, {name for name in data.column_names if "uuid" in known.get(name, "")})

    def answer(query):
        name = table
        if query.get("unpruned"):
            if not copied:
                connection.execute(f"CREATE TEMP TABLE everything AS SELECT * FROM {table}")
                copied.append("everything")
            name = copied[0]
        where = f" WHERE {condition(kinds, query['where'])}" if query.get("where") else ""
        if query.get("scanned"):
            return [{"files": scanned(f"SELECT * FROM {name}{where}")}]
        if "aggregate" not in query:
            columns = ", ".join(map(identifier, query["select"])) if query.get("select") else "*"
            return run(f"SELECT {columns} FROM {name}{where}")
        return aggregate(query, name, where)

    def scanned(sql):
        plan = connection.execute(f"EXPLAIN ANALYZE {sql}").fetchall()[0][1]
        return re.search(r"Total Files Read: (\d+)", plan).group(1)

    def aggregate(query, name, where):
        function, column = query["aggregate"], query.get("column")
        argument = "*" if column is None else path(column)
        finite = ""
        if column is not None and function != "count" and kinds(column) in ("float", "double"):
            finite, argument = f" FILTER (NOT isnan({argument}))", f"{argument} + 0.0::{SQL_TYPES[kinds(column)]}"
        data = connection.execute(f"SELECT {function}({argument}){finite} AS answer FROM {name}{where}").fetch_arrow_table()
        [value] = canonical.column(data.column("answer"), column is not None and kinds(column) == "uuid")
        return [{function: value}]

    return answer


if __name__ == "__main__":
    common.serve(open_table)
