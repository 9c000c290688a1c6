"""Arrow values in one canonical form, so that two readers' answers and the expected rows can be compared as strings.

null                    null
boolean                 true, false
int, long               decimal digits in a string
float, double           shortest digits that give the value back, as d.ddde+x in a string; NaN, Infinity, -Infinity; -0e+0 keeps its sign
decimal                 plain digits with the type's scale in a string
date                    days since 1970 in a string
time                    microseconds since midnight in a string
timestamp, timestamptz  microseconds since 1970 in a string
string                  itself
uuid                    lower case with hyphens
fixed, binary           base64
list                    array
map                     array of [key, value], ordered by the key's JSON
struct                  object, its fields in the schema's order
"""

import base64
import uuid
from decimal import Decimal

import pyarrow as pa
from canonical_text import dump, number


def column(array, is_uuid=False):
    """The canonical values of an Arrow array. `is_uuid`: 16-byte values are UUIDs, which not every Arrow type says."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in column(chunk, is_uuid)]
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return column(array.storage, is_uuid or "uuid" in str(kind))
    if pa.types.is_dictionary(kind):
        return column(array.dictionary_decode(), is_uuid)
    if pa.types.is_null(kind):
        return [None] * len(array)
    if pa.types.is_struct(kind):
        fields = {field.name: column(values, is_uuid) for field, values in zip(kind, array.flatten())}
        return [
            {name: values[row] for name, values in fields.items()} if valid else None
            for row, valid in enumerate(array.is_valid().to_pylist())
        ]
    if pa.types.is_map(kind):
        maps = []
        for entry in array:
            if not entry.is_valid:
                maps.append(None)
                continue
            keys, values = entry.values.flatten()
            maps.append(sorted(map(list, zip(column(keys, is_uuid), column(values, is_uuid))), key=lambda pair: dump(pair[0])))
        return maps
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [column(entry.values, is_uuid) if entry.is_valid else None for entry in array]
    return [None if value is None else scalar(kind, value, is_uuid) for value in plain(array).to_pylist()]


def plain(array):
    """Times as the integers they are, free of what Python's datetime cannot hold."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return array.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())
    if pa.types.is_time(kind):
        return array.cast(pa.time64("us")).cast(pa.int64())
    if pa.types.is_date(kind):
        return array.cast(pa.date32()).cast(pa.int32())
    return array


def scalar(kind, value, is_uuid):
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, bytes):
        if is_uuid and len(value) == 16:
            return str(uuid.UUID(bytes=value))
        return base64.b64encode(value).decode()
    if isinstance(value, str):
        return value.lower() if is_uuid else value
    raise TypeError(f"no canonical form for {kind}: {type(value).__name__}")


def table(data, uuid_columns=()):
    """The rows of an Arrow table, each as an object from column name to canonical value."""
    columns = {name: column(data.column(name), name in uuid_columns) for name in data.column_names}
    return [dict(zip(columns, row)) for row in zip(*columns.values())] if columns else [{}] * data.num_rows
