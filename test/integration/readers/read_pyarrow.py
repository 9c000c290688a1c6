"""Answers queries from the Parquet files alone: every live data file read whole by pyarrow, columns found by field id, predicates in Python.

The `ARROW:schema` key is hidden from pyarrow, which would take types from it and so hide a wrong Parquet type.
The query {"files": true} gives one row for each data file, {"path": P, "rows": [ROW...]}.
"""

import io

import canonical
import common
import oracle
import pyarrow.parquet as pq


def open_table(request):
    table = common.load_table(request)
    schema = table.schema()
    kinds = common.kinds_of(schema)
    uuids = common.uuid_columns(schema)
    read = []

    def file_rows(path):
        with table.io.new_input(path).open() as stream:
            content = stream.read()
        footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
        data = pq.read_table(io.BytesIO(content[:footer] + content[footer:].replace(b"ARROW:schema", b"HIDE__schema")))
        names = {int(field.metadata[b"PARQUET:field_id"]): field.name for field in data.schema}
        columns = {
            field.name: canonical.column(data.column(names[field.field_id]), field.name in uuids)
            if field.field_id in names
            else [None] * data.num_rows
            for field in schema.fields
        }
        return [dict(zip(columns, row)) for row in zip(*columns.values())]

    def files():
        if not read:
            for task in table.scan().plan_files():
                if task.delete_files:
                    raise ValueError(f"{task.file.file_path} has delete files, which this reader does not apply")
                read.append({"path": task.file.file_path, "rows": file_rows(task.file.file_path)})
        return read

    def answer(query):
        if query.get("files"):
            return files()
        return oracle.answer(kinds, [row for file in files() for row in file["rows"]], query)

    return answer


if __name__ == "__main__":
    common.serve(open_table)
