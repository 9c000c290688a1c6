"""A foreign writer: creates, appends to and rolls back tables by PyIceberg.

Request on standard input: as for the readers (common.py), with "steps" for "queries"; each step is one of
  {"create": {"schema": ICEBERG_SCHEMA_JSON, "partition": [{"column": C, "transform": T}...], "properties": {...}}}
  {"append": [ROW...]}                                       rows are objects of canonical values; absent columns are null
  {"append": [ROW...], "bounds": {COLUMN: [LOW, HIGH]}}      the same, with these bounds claimed in the manifest, true or not
  {"rollback": SNAPSHOT_ID}                                  sets main to that snapshot
  {"properties": {...}}                                      sets table properties
  {"removeProperties": [KEY...]}                             removes table properties
  {"delete": {"column", "op", "value"}}                      deletes the rows that a predicate of the readers matches
  {"overwrite": [ROW...]}                                    replaces all rows
  {"repeat": {"column", "op", "value"}}                      appends the rows that a predicate matches once more
  {"register": FILE_NUMBER}                                  registers a live data file once more; files are numbered as planned
  {"compact": true}                                          reads all rows and replaces them by the same ones in one file
  {"expire": [SNAPSHOT_ID...]}                               expires these snapshots
  {"tag": NAME, "snapshot": SNAPSHOT_ID}                     tags a snapshot
  {"branch": NAME, "snapshot": SNAPSHOT_ID}                  makes a branch at a snapshot
  {"statistics": SNAPSHOT_ID}                                registers a statistics file for a snapshot
  {"append": [ROW...], "summary": {KEY: TEXT}}               the same, with these keys in the snapshot's summary
  {"addColumn": NAME, "type": PRIMITIVE}                     adds an optional column, of strings where no type is given
Answer: one line of JSON for each step, {"snapshotId": ID or null, "metadataLocation": L}. A failing step ends the program.
"""

import json
import sys

import canonical
import common
import pyarrow as pa
import read_pyiceberg
from pyiceberg.conversions import to_bytes
from pyiceberg.io.pyarrow import _dataframe_to_data_files, schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.statistics import StatisticsFile
from pyiceberg.transforms import parse_transform
from pyiceberg.types import IntegerType, ListType, LongType, MapType, StringType, StructType, TimestamptzType

PRIMITIVES = {"string": StringType(), "int": IntegerType(), "long": LongType(), "timestamptz": TimestamptzType()}


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
        table.append(data, snapshot_properties=step.get("summary", {}))
        return
    with table.transaction() as transaction, transaction.update_snapshot().fast_append() as snapshot:
        for file in _dataframe_to_data_files(table_metadata=table.metadata, df=data, io=table.io):
            for column, (low, high) in step["bounds"].items():
                field = schema.find_field(column)
                file.lower_bounds[field.field_id] = to_bytes(field.field_type, python(field.field_type, low))
                file.upper_bounds[field.field_id] = to_bytes(field.field_type, python(field.field_type, high))
            snapshot.append_data_file(file)


def register_statistics(table, snapshot_id):
    """Names a statistics file that nobody reads."""
    path = f"{table.location()}/metadata/{snapshot_id}.stats"
    statistics = StatisticsFile(
        snapshot_id=snapshot_id, statistics_path=path, file_size_in_bytes=4, file_footer_size_in_bytes=4, blob_metadata=[], key_metadata=None
    )
    with table.update_statistics() as update:
        update.set_statistics(statistics)


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
        if "delete" in step:
            table.delete(read_pyiceberg.expression(table.schema(), step["delete"]))
        if "overwrite" in step:
            table.overwrite(arrow(table.schema(), step["overwrite"]))
        if "repeat" in step:
            table.append(table.scan(row_filter=read_pyiceberg.expression(table.schema(), step["repeat"])).to_arrow())
        if "register" in step:
            files = [task.file for task in table.scan().plan_files()]
            with table.transaction() as transaction, transaction.update_snapshot().fast_append() as snapshot:
                snapshot.append_data_file(files[step["register"]])
        if "compact" in step:
            table.overwrite(table.scan().to_arrow())
        if "expire" in step:
            table.maintenance.expire_snapshots().by_ids([int(snapshot) for snapshot in step["expire"]]).commit()
        if "tag" in step:
            table.manage_snapshots().create_tag(int(step["snapshot"]), step["tag"]).commit()
        if "branch" in step:
            table.manage_snapshots().create_branch(int(step["snapshot"]), step["branch"]).commit()
        if "statistics" in step:
            register_statistics(table, int(step["statistics"]))
        if "addColumn" in step:
            with table.update_schema() as update:
                update.add_column(step["addColumn"], PRIMITIVES[step.get("type", "string")])
        if "properties" in step:
            with table.transaction() as transaction:
                transaction.set_properties(step["properties"])
        if "removeProperties" in step:
            with table.transaction() as transaction:
                transaction.remove_properties(*step["removeProperties"])
        current = catalog.load_table(name).current_snapshot()
        line = {"snapshotId": current and str(current.snapshot_id), "metadataLocation": catalog.load_table(name).metadata_location}
        sys.stdout.write(canonical.dump(line) + "\n")
    common.finish()


if __name__ == "__main__":
    main()
