"""One Spark session over an Iceberg REST catalog, which it calls `ice`. Runs in Spark's own Python, without pyarrow.

First line of standard input: {"uri": URL, "jars": [FILE...], "s3": {"endpoint", "region", "accessKeyId", "secretAccessKey"}}.
Every further line: {"sql": TEXT}, or {"deleteEqual": {"table": NAME, "column": NAME, "values": [LONG...]}}. Every answer is one line, {"rows": [ROW...]} with rows in canonical form (canonical.py) or {"error": TEXT};
the first line of output is {"rows": []}, when Spark is ready.
"""

import base64
import json
import os
import sys
import uuid

from canonical_text import dump, number
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    StructType,
    TimestampNTZType,
    TimestampType,
)


def plain(kind, column):
    """A column without what Python would meddle with: times as numbers, maps as lists of their entries."""
    if isinstance(kind, StructType):
        fields = [plain(field.dataType, column.getField(field.name)).alias(field.name) for field in kind.fields]
        return F.when(column.isNotNull(), F.struct(*fields))
    if isinstance(kind, ArrayType):
        return F.transform(column, lambda item: plain(kind.elementType, item))
    if isinstance(kind, MapType):
        pair = lambda entry: F.struct(plain(kind.keyType, entry.key).alias("key"), plain(kind.valueType, entry.value).alias("value"))
        return F.transform(F.map_entries(column), pair)
    if isinstance(kind, (TimestampType, TimestampNTZType)):
        return F.unix_micros(column.cast("timestamp"))
    if isinstance(kind, DateType):
        return F.unix_date(column)
    return column


def canonical(kind, value):
    """The canonical form of a value of a plain column whose type was `kind`."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(kind, StructType):
        return {field.name: canonical(field.dataType, value[field.name]) for field in kind.fields}
    if isinstance(kind, ArrayType):
        return [canonical(kind.elementType, item) for item in value]
    if isinstance(kind, MapType):
        pairs = [[canonical(kind.keyType, key), canonical(kind.valueType, item)] for key, item in value]
        return sorted(pairs, key=lambda pair: dump(pair[0]))
    if isinstance(kind, BinaryType):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(kind, (FloatType, DoubleType)):
        return number(value)
    if isinstance(kind, DecimalType):
        return format(value, f".{kind.scale}f")
    return str(value)


def rows(frame):
    fields = frame.schema.fields
    collected = frame.select(*[plain(field.dataType, F.col(f"`{field.name}`")).alias(field.name) for field in fields]).collect() if fields else []
    return [{field.name: canonical(field.dataType, row[field.name]) for field in fields} for row in collected]


def session(request):
    s3 = request["s3"]
    catalog = "spark.sql.catalog.ice"
    settings = {
        "spark.jars": ",".join(request["jars"]),
        "spark.ui.enabled": "false",
        "spark.driver.memory": "1g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        catalog: "org.apache.iceberg.spark.SparkCatalog",
        f"{catalog}.type": "rest",
        f"{catalog}.uri": request["uri"],
        f"{catalog}.cache-enabled": "false",
        f"{catalog}.io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        f"{catalog}.s3.endpoint": s3["endpoint"],
        f"{catalog}.s3.path-style-access": "true",
        f"{catalog}.s3.access-key-id": s3["accessKeyId"],
        f"{catalog}.s3.secret-access-key": s3["secretAccessKey"],
        f"{catalog}.client.region": s3["region"],
    }
    builder = SparkSession.builder.master("local[2]").appName("interop")
    for key, value in settings.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def delete_equal(table, column, values):
    """Commits an equality delete file by Iceberg's Java API: Spark itself writes none. What fits in 32 bits would be an int."""
    jvm = spark._jvm
    iceberg = jvm.org.apache.iceberg
    loaded = iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, f"ice.{table}")
    ids = spark.sparkContext._gateway.new_array(jvm.int, 1)
    ids[0] = loaded.schema().findField(column).fieldId()
    names = jvm.java.util.ArrayList()
    names.add(column)
    schema = loaded.schema().select(names)
    factory = iceberg.data.GenericAppenderFactory(loaded.schema(), loaded.spec(), ids, schema, None)
    file = loaded.io().newOutputFile(loaded.locationProvider().newDataLocation(f"{uuid.uuid4()}-deletes.parquet"))
    writer = factory.newEqDeleteWriter(iceberg.encryption.EncryptedFiles.plainAsEncryptedOutput(file), iceberg.FileFormat.PARQUET, None)
    for value in values:
        record = iceberg.data.GenericRecord.create(schema)
        record.setField(column, value)
        writer.write(record)
    writer.close()
    loaded.newRowDelta().addDeletes(writer.toDeleteFile()).commit()


def answer(request):
    if "deleteEqual" in request:
        delete_equal(**request["deleteEqual"])
        return []
    return rows(spark.sql(request["sql"]))


def cause(error):
    """What was wrong first: Java's exceptions say it at the end of a chain."""
    thrown = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if thrown is None:
        return f"{type(error).__name__}: {error}"
    while thrown.getCause() is not None:
        thrown = thrown.getCause()
    return thrown.toString()


def say(line):
    answers.write(dump(line) + "\n")
    answers.flush()


# Spark's JVM writes to standard output too: it gets standard error, the answers keep the pipe.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

spark = session(json.loads(sys.stdin.readline()))
spark.sparkContext.setLogLevel("ERROR")
say({"rows": []})
for line in sys.stdin:
    try:
        say({"rows": [dump(row) for row in answer(json.loads(line))]})
    except Exception as error:  # one statement's failure is that statement's answer
        say({"error": cause(error)[:2000]})
spark.stop()
