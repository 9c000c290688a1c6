"""Shows what lies in a table's files, as PyIceberg's Avro reader and pyarrow see them, with nothing inherited and nothing interpreted.

Request: as for the readers (common.py), without queries. Answer: one line,
  {"lists": [{"path", "metadata": {...}, "schema": AVRO, "records": [...]}...],      one for each snapshot, oldest first
   "manifests": [{"path", "metadata": {...}, "schema": AVRO, "records": [...]}...],  those of the current snapshot, in its order
   "files": [{"path", "size", "keys": [...], "rowGroups": [OFFSET...], "columns": [COLUMN...]}...]}
  COLUMN: {"path", "ids", "physical", "logical", "codec"}; rows' bytes are in base64, 64-bit numbers are text.
"""

import base64
import io
import json
import sys

import canonical
import common
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.avro.file import AvroFile
from pyiceberg.manifest import DataFileContent, FileFormat
from pyiceberg.types import MapType


def plain(value, kind):
    """A value of an Avro record with the names that its writer gave."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (DataFileContent, FileFormat)):
        return value.value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if kind.is_struct:
        return {field.name: plain(value[i], field.field_type) for i, field in enumerate(kind.fields)}
    if isinstance(kind, MapType):
        return {str(key): plain(item, kind.value_type) for key, item in value.items()}
    return [plain(item, kind.element_type) for item in value]


def avro(files, path):
    with AvroFile(files.new_input(path)) as reader:
        metadata = {key: value if isinstance(value, str) else value.decode() for key, value in reader.header.meta.items()}
        schema = json.loads(metadata.pop("avro.schema"))
        return {"path": path, "metadata": metadata, "schema": schema, "records": [plain(record, reader.schema.as_struct()) for record in reader]}


def field_ids(fields, prefix=()):
    """The Parquet path of each leaf, to the field ids on the way to it."""
    for field in fields:
        own = (*prefix, int(field.metadata[b"PARQUET:field_id"]))
        kind = field.type
        if pa.types.is_struct(kind):
            yield from field_ids(kind, own)
        elif pa.types.is_list(kind):
            yield from field_ids([kind.value_field], own)
        elif pa.types.is_map(kind):
            yield from field_ids([kind.key_field, kind.item_field], own)
        else:
            yield list(own)


def parquet(files, path):
    with files.new_input(path).open() as stream:
        content = stream.read()
    file = pq.ParquetFile(io.BytesIO(content))
    metadata = file.metadata
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    ids = list(field_ids(file.schema_arrow))
    columns = []
    for i in range(len(file.schema)):
        column = file.schema.column(i)
        chunks = [group.column(i) for group in groups]
        columns.append(
            {
                "path": column.path,
                "ids": ids[i],
                "physical": column.physical_type,
                "logical": str(column.logical_type),
                "codec": chunks[0].compression,
            }
        )
    starts = [min(offset for offset in (group.column(0).dictionary_page_offset, group.column(0).data_page_offset) if offset) for group in groups]
    return {
        "path": path,
        "size": str(len(content)),
        "keys": sorted(key.decode() for key in (metadata.metadata or {})),
        "rowGroups": list(map(str, starts)),
        "columns": columns,
    }


def main():
    table = common.load_table(json.load(sys.stdin))
    lists = [avro(table.io, snapshot.manifest_list) for snapshot in sorted(table.snapshots(), key=lambda snapshot: snapshot.sequence_number)]
    current = next(one for one in lists if one["path"] == table.current_snapshot().manifest_list)
    answer = {
        "lists": lists,
        "manifests": [avro(table.io, record["manifest_path"]) for record in current["records"]],
        "files": [parquet(table.io, task.file.file_path) for task in table.scan().plan_files()],
    }
    sys.stdout.write(canonical.dump(answer) + "\n")
    common.finish()


if __name__ == "__main__":
    main()
