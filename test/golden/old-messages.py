"""Makes old-messages.json: message sets of the formats 0 and 1 as kafka-python 2.0.2 writes them, and what it reads from them.

    pip install kafka-python==2.0.2 python-snappy==0.7.3 lz4==4.4.5 xxhash==3.5.0
    python old-messages.py > old-messages.json

A producer writes the set; `numbered` says who gave it its offsets: `kafka` as a Kafka broker does (an offset for each message; those
in a set of version 0 anew, a wrapper has its last one's), `first` as a broker that writes an offset over the first message's alone. Only what
Kafka's broker numbered is read back by kafka-python, which believes the offsets that it finds.
"""
import base64, json, struct, zlib
from kafka.record.memory_records import MemoryRecords
from kafka.record.legacy_records import LegacyRecordBatchBuilder

CODECS = ["none", "gzip", "snappy", "lz4"]
BASE = 1000
MESSAGES = [
    (b"k0", b'{"id": 0}', 1400000000000),
    (None, b'{"id": 1, "text": "' + b"ab" * 150 + b'"}', 1400000000007),
    (b"", b"", 1399999999000),
    (b"k3", None, 1400000001000),
    ("ключ".encode(), bytes(range(256)), 1400000002000),
]


def entries(data):
    at = 0
    while at < len(data):
        end = at + 12 + struct.unpack_from(">i", data, at + 8)[0]
        yield at, end
        at = end


def build(magic, codec, numbered, append_time):
    is_wrapped = codec != "none"
    # Within a wrapper a broker changes version 0's offsets by writing the set anew, and leaves version 1's as the producer had them.
    first = BASE if numbered == "kafka" and (magic == 0 or not is_wrapped) else 0
    builder = LegacyRecordBatchBuilder(magic=magic, compression_type=CODECS.index(codec), batch_size=1 << 20)
    for i, (key, value, timestamp) in enumerate(MESSAGES):
        builder.append(first + i, timestamp=timestamp, key=key, value=value)
    data = bytearray(builder.build())
    outer = list(entries(data))
    if is_wrapped:
        struct.pack_into(">q", data, 0, BASE + len(MESSAGES) - 1 if numbered == "kafka" else BASE)
    elif numbered == "first":
        struct.pack_into(">q", data, 0, BASE)
    if append_time:
        for at, end in outer:
            data[at + 17] |= 8
            struct.pack_into(">q", data, at + 18, 1500000000000)
            struct.pack_into(">I", data, at + 12, zlib.crc32(data[at + 16 : end]))
    return bytes(data)


def read(data):
    records = MemoryRecords(data)
    found = []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        found.extend(batch)
    return found


def text(value):
    return None if value is None else base64.b64encode(value).decode()


cases = []
for magic in (0, 1):
    for codec in CODECS:
        for numbered in ("kafka", "first"):
            for append_time in (False, True) if magic == 1 else (False,):
                data = build(magic, codec, numbered, append_time)
                found = read(data)
                offsets = [record.offset for record in found] if numbered == "kafka" else [BASE + i for i in range(len(found))]
                cases.append({
                    "magic": magic, "codec": codec, "numbered": numbered, "appendTime": append_time, "bytes": text(data),
                    "records": [
                        {"offset": offset, "timestamp": -1 if record.timestamp is None else record.timestamp,
                         "key": text(record.key), "value": text(record.value)}
                        for offset, record in zip(offsets, found)
                    ],
                })
print(f'{{"baseOffset": {BASE}, "cases": [')
print(",\n".join(json.dumps(case) for case in cases))
print("]}")
