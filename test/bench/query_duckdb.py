"""Seconds that DuckDB takes for queries of a table of an Iceberg REST catalog, one line of JSON: a list, the least of two runs each.

usage: query_duckdb.py READERS_DIRECTORY URI S3_ENDPOINT ACCESS_KEY SECRET_KEY REGION NAMESPACE TABLE QUERY...   in a query `t` is the table
"""

import json
import re
import sys
import time

sys.path.insert(0, sys.argv[1])
import read_duckdb  # noqa: E402

uri, endpoint, access, secret, region, namespace, table = sys.argv[2:9]
connection = read_duckdb.connect()
s3 = {"endpoint": endpoint, "accessKeyId": access, "secretAccessKey": secret, "region": region}
name = read_duckdb.source(connection, {"catalog": {"type": "rest", "uri": uri, "s3": s3}, "table": [namespace, table]})
times = []
for query in sys.argv[9:]:
    least = None
    for _ in range(2):
        started = time.perf_counter()
        connection.execute(re.sub(r"\bt\b", name, query)).fetchall()
        seconds = time.perf_counter() - started
        least = seconds if least is None else min(least, seconds)
    times.append(least)
print(json.dumps(times))
