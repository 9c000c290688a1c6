"""Whether two directories of Parquet files hold the same rows, by pyarrow.

usage: compare.py OURS NATIVE COLUMNS_TSV|-
Compares the columns of COLUMNS_TSV, or with - the values kept whole, and offset, timestamp, key and headers of each record, in the
order of the offsets. Prints the rows, the columns, the bytes of each and those of our rescue column; ends with 1 and the first
difference where they are not equal.
"""

import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

KAFKA = ["offset", "timestamp", "key", "headers"]


def files(directory, offset):
    """Tables of a directory's files in the order of their offsets, and their bytes."""
    paths = [os.path.join(directory, name) for name in os.listdir(directory)]
    tables = [pq.ParquetFile(path).read() for path in paths]
    tables.sort(key=lambda table: table[offset][0].as_py())
    return pa.concat_tables(tables), sum(map(os.path.getsize, paths))


def column_bytes(directory, name):
    """Compressed bytes of a top-level column in all files of a directory."""
    size = 0
    for file in os.listdir(directory):
        metadata = pq.ParquetFile(os.path.join(directory, file)).metadata
        groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
        chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
        size += sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema == name)
    return size


def plain(column):
    """With the same type, whoever wrote it: nullability and time zones' names aside."""
    return column.cast(plain_type(column.type))


def plain_type(type_):
    if pa.types.is_timestamp(type_):
        return pa.timestamp("us", "UTC")
    if pa.types.is_list(type_):
        return pa.list_(plain_type(type_.value_type))
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(field.name, plain_type(field.type)) for field in type_])
    return type_


def main():
    ours_directory, native_directory, columns = sys.argv[1:]
    ours, our_bytes = files(ours_directory, "kafka_offset")
    native, native_bytes = files(native_directory, "_offset")
    pairs = [(f"kafka_{name}", f"_{name}") for name in KAFKA]
    if columns == "-":
        pairs.append(("value", "_value"))
    else:
        pairs += [(line.split("\t")[0],) * 2 for line in open(columns)]
    for our_name, native_name in pairs:
        one, other = plain(ours[our_name]), plain(native[native_name])
        if columns == "-" and our_name == "value":
            other = other.cast(pa.binary())
        if one.type != other.type:
            sys.exit(f"{our_name} is {one.type}, and {native_name} is {other.type}")
        if not one.equals(other):
            row = next((i for i in range(min(len(one), len(other))) if one[i] != other[i]), min(len(one), len(other)))
            sys.exit(f"{our_name} and {native_name} differ in row {row}: {one[row:row + 1]} and {other[row:row + 1]}")
    if ours["kafka_partition"].unique().to_pylist() != [3] or ours["kafka_topic"].unique().to_pylist() != ["orders"]:
        sys.exit("kafka_topic and kafka_partition are not orders and 3")
    rescue_bytes = column_bytes(ours_directory, "_rescued")
    result = {"rows": len(ours), "columns": len(pairs), "ourBytes": our_bytes, "rescueBytes": rescue_bytes, "nativeBytes": native_bytes}
    print(json.dumps(result))


main()
