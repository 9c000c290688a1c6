"""Parquet files as pyarrow writes them in all its ways, and whether other files have the same rows.

usage: parquet_files.py write DIRECTORY     writes files; prints a JSON list of {"path", "rows", "size", "named"} - named: without field ids
       parquet_files.py compare             standard input: [[PATH, PATH]...]; prints a JSON list of sentences, one for each pair that differs
"""

import itertools
import json
import os
import random
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

ids = itertools.count(1)


def field(name, kind, nullable=True, id=None):
    return pa.field(name, kind, nullable, metadata={"PARQUET:field_id": str(id if id is not None else next(ids))})


def inner(start, element):
    return field("element", element, id=start)


STRUCT = lambda start: pa.struct([field("x", pa.int64(), id=start), field("y", pa.string(), id=start + 1)])
SCHEMA = pa.schema(
    [
        field("b", pa.bool_()),
        field("i", pa.int32()),
        field("l", pa.int64(), nullable=False),
        field("f", pa.float32()),
        field("d", pa.float64()),
        field("small", pa.decimal128(9, 2)),
        field("medium", pa.decimal128(18, 3)),
        field("large", pa.decimal128(38, 10)),
        field("date", pa.date32()),
        field("time", pa.time64("us")),
        field("ts", pa.timestamp("us")),
        field("tz", pa.timestamp("us", "UTC")),
        field("s", pa.string()),
        field("few", pa.string()),
        field("bin", pa.binary()),
        field("fixed", pa.binary(7)),
        field("st", STRUCT(100)),
        field("li", pa.list_(inner(110, pa.int32()))),
        field("ls", pa.list_(inner(111, STRUCT(112)))),
        field("m", pa.map_(field("key", pa.string(), nullable=False, id=114), field("value", pa.list_(inner(116, pa.float64())), id=115))),
        field("deep", pa.struct([field("lists", pa.list_(inner(121, pa.list_(inner(122, pa.string())))), id=120)])),
    ]
)


def rows(count, seed):
    pick = random.Random(seed)
    text = lambda n: "".join(pick.choice("ab\u00e9\u4e2d\U0001f600\0") for _ in range(pick.randrange(n)))
    struct = lambda: {"x": maybe(lambda: pick.randrange(-(2**63), 2**63)), "y": maybe(lambda: text(5))}

    def maybe(value):
        return None if pick.random() < 0.2 else value()

    def many(value):
        return [maybe(value) for _ in range(pick.choice((0, 0, 1, 2, 5)))]

    def decimal(digits, scale):
        return Decimal(pick.randrange(-(10**digits) + 1, 10**digits)).scaleb(-scale)

    epoch = datetime(1970, 1, 1)
    moment = lambda: epoch + timedelta(microseconds=pick.randrange(-(10**15), 4 * 10**15))
    return [
        {
            "b": maybe(lambda: pick.random() < 0.5),
            "i": maybe(lambda: pick.randrange(-(2**31), 2**31)),
            "l": i,
            "f": maybe(lambda: pick.choice((float("inf"), -0.0, 0.5, 3e38))),
            "d": maybe(lambda: pick.choice((float("-inf"), -0.0, 1e-300, pick.random()))),
            "small": maybe(lambda: decimal(9, 2)),
            "medium": maybe(lambda: decimal(18, 3)),
            "large": maybe(lambda: decimal(28, 10)),
            "date": maybe(lambda: date(1970, 1, 1) + timedelta(days=pick.randrange(-1000, 30000))),
            "time": maybe(lambda: (epoch + timedelta(microseconds=pick.randrange(86_400_000_000))).time()),
            "ts": maybe(moment),
            "tz": maybe(lambda: moment().replace(tzinfo=timezone.utc)),
            "s": maybe(lambda: text(40)),
            "few": maybe(lambda: pick.choice(("one", "two", ""))),
            "bin": maybe(lambda: pick.randbytes(pick.randrange(20))),
            "fixed": maybe(lambda: pick.randbytes(7)),
            "st": maybe(struct),
            "li": maybe(lambda: many(lambda: pick.randrange(100))),
            "ls": maybe(lambda: many(struct)),
            "m": maybe(lambda: [(f"k{k}", maybe(lambda: many(pick.random))) for k in range(pick.randrange(4))]),
            "deep": maybe(lambda: {"lists": maybe(lambda: many(lambda: many(lambda: text(3))))}),
        }
        for i in range(count)
    ]


def without_ids(kind):
    if pa.types.is_struct(kind):
        return pa.struct([plain(part) for part in kind])
    if pa.types.is_map(kind):
        return pa.map_(plain(kind.key_field), plain(kind.item_field))
    if pa.types.is_list(kind):
        return pa.list_(plain(kind.value_field))
    return kind


def plain(part):
    return pa.field(part.name, without_ids(part.type), part.nullable)


DELTAS = {
    **{name: "DELTA_BINARY_PACKED" for name in ("i", "l", "date", "time", "ts", "tz", "st.x", "li.list.element", "ls.list.element.x")},
    **{name: "DELTA_BYTE_ARRAY" for name in ("s", "fixed", "st.y", "m.key_value.key", "large")},
    **{name: "DELTA_LENGTH_BYTE_ARRAY" for name in ("few", "bin", "ls.list.element.y", "deep.lists.list.element.list.element")},
    **{name: "BYTE_STREAM_SPLIT" for name in ("f", "d", "m.key_value.value.list.element", "small", "medium")},
    "b": "RLE",
}
WAYS = {
    "snappy": {"compression": "snappy"},
    "gzip-v2": {"compression": "gzip", "data_page_version": "2.0"},
    "brotli": {"compression": "brotli"},
    "zstd-v2": {"compression": "zstd", "data_page_version": "2.0", "data_page_size": 100},
    "lz4": {"compression": "lz4"},
    "plain": {"compression": "none", "use_dictionary": False},
    "plain-v2": {"compression": "none", "use_dictionary": False, "data_page_version": "2.0"},
    "small-pages": {"data_page_size": 64, "write_batch_size": 7, "dictionary_pagesize_limit": 200, "write_page_index": True},
    "checksums": {"write_page_checksum": True, "row_group_size": 13},
    "deltas": {"use_dictionary": False, "column_encoding": DELTAS},
    "deltas-v2": {"use_dictionary": False, "column_encoding": DELTAS, "data_page_version": "2.0", "data_page_size": 200},
    "int96": {"use_deprecated_int96_timestamps": True},
    "no-statistics": {"write_statistics": False, "use_byte_stream_split": ["f", "d"], "use_dictionary": ["few"]},
    "decimals-as-numbers": {"store_decimal_as_integer": True},
    "old-lists": {"use_compliant_nested_type": False},
    "format-1": {"version": "1.0", "coerce_timestamps": "us"},
}


def write(directory):
    written = []
    for way, (name, options) in enumerate(WAYS.items()):
        for count in (0, 1, 300):
            for named in (False, True):
                if named and (count != 300 or way % 4 != 0):
                    continue
                table = pa.Table.from_pylist(rows(count, way), schema=SCHEMA)
                if named:
                    table = table.cast(pa.schema([plain(part) for part in SCHEMA]))
                path = os.path.join(directory, f"{name}-{count}{'-named' if named else ''}.parquet")
                pq.write_table(table, path, **options)
                written.append({"path": path, "rows": count, "size": os.path.getsize(path), "named": named})
    huge = pa.Table.from_pylist([{**row, "s": "x" * (9_000_000 + i), "few": "y" * 3_000_000} for i, row in enumerate(rows(6, 99))], schema=SCHEMA)
    path = os.path.join(directory, "huge-strings.parquet")
    pq.write_table(huge, path, compression="snappy")
    written.append({"path": path, "rows": 6, "size": os.path.getsize(path), "named": False})
    print(json.dumps(written))


def zoneless(value):
    """INT96 says nothing of zones."""
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def compare(pairs):
    wrong = []
    for first, second in pairs:
        a, b = (pq.ParquetFile(path).read().to_pylist() for path in (first, second))
        for at, (x, y) in enumerate(itertools.zip_longest(a, b)):
            # repr tells -0.0 from 0.0, and times of any unit are the same there.
            names = [key for key in (x or y) if x is None or y is None or repr(zoneless(x[key])) != repr(zoneless(y[key]))]
            if names:
                wrong.append(f"{os.path.basename(first)}: row {at}: {names}: {[(x and x[n], y and y[n]) for n in names][:1]!r:.300}")
                break
    print(json.dumps(wrong))


if sys.argv[1] == "write":
    write(sys.argv[2])
else:
    compare(json.load(sys.stdin))
