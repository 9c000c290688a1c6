"""A foreign writer: creates, appends to and rolls back tables by PyIceberg.

Request on standard input: as for the readers (common.py), with "steps" for "queries"; each step is one of
  {"create": {"schema": ICEBERG_SCHEMA_JSON, "partition": [{"column": C, "transform": T}...], "properties": {...}}}
  {"append": [ROW...]}                                       rows are objects of canonical values; absent columns are null
  {"append": [ROW...], "bounds": {COLUMN: [LOW, HIGH]}}      the same, with these bounds claimed in the manifest, true or not
  {"rollback": SNAPSHOT_ID}                                  sets main to that snapshot
  {"properties": {...}}                                      sets table properties
Answer: one line of JSON for each step, {"snapshotId": ID or null, "metadataLocation": L}. A failing step ends the program.
"""

import json
import sys

import canonical
import common
import pyarrow as pa
from pyiceberg.conversions import to_bytes
from pyiceberg.io.pyarrow import _dataframe_to_data_files, schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import parse_transform
from pyiceberg.types import ListType, MapType, StructType


def python(kind, value):
    """A canonical value as the Python value that Arrow takes for an Iceberg type."""
    if value is None:
        return None
    if isinstance(kind, ListType):
        return [python(kind.element_type, element) for element in value]
    if isinstance(kind, MapType):
        return [(python(kind.key_type, key), python(kind.value_type, element)) for key, element in value]
    if isinstance(kind, StructType):
        return {field.name: python(field.field_type, value.get(field.name)) for field in kind.fields}
    return common.python_value(str(kind), value)


def arrow(schema, rows):
    fields = schema_to_pyarrow(schema)
    arrays = [
        pa.array([python(field.field_type, row.get(field.name)) for row in rows], type=fields.field(field.name).type) for field in schema.fields
    ]
    return pa.Table.from_arrays(arrays, schema=fields)


def create(catalog, name, step):
    schema = Schema.model_validate(step["schema"])
    partition = [
        PartitionField(schema.find_field(field["column"]).field_id, 1000 + index, parse_transform(field["transform"]), f"p{index}")
        for index, field in enumerate(step.get("partition", []))
    ]
    catalog.create_namespace_if_not_exists(name[:-1])
    return catalog.create_table(name, schema, partition_spec=PartitionSpec(*partition), properties=step.get("properties", {}))


def append(table, step):
    schema = table.schema()
    data = arrow(schema, step["append"])
    if "bounds" not in step:
        table.append(data)
        return
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as snapshot:
        for file in _dataframe_to_data_files(table_metadata=table.metadata, df=data, io=table.io):
            for column, (low, high) in step["bounds"].items():
                field = schema.find_field(column)
                file.lower_bounds[field.field_id] = to_bytes(field.field_type, python(field.field_type, low))
                file.upper_bounds[field.field_id] = to_bytes(field.field_type, python(field.field_type, high))
            snapshot.append_data_file(file)


def main():
    request = json.load(sys.stdin)
    catalog, name = common.load_catalog(request), tuple(request["table"])
    for step in request["steps"]:
        if "create" in step:
            table = create(catalog, name, step["create"])
        else:
            table = catalog.load_table(name)
        if "append" in step:
            append(table, step)
        if "rollback" in step:
            table.manage_snapshots().set_current_snapshot(int(step["rollback"])).commit()
        if "properties" in step:
            with table.transaction() as transaction:
                transaction.set_properties(step["properties"])
        current = catalog.load_table(name).current_snapshot()
        line = {"snapshotId": current and str(current.snapshot_id), "metadataLocation": catalog.load_table(name).metadata_location}
        sys.stdout.write(canonical.dump(line) + "\n")


if __name__ == "__main__":
    main()
