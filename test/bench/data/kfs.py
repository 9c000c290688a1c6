"""Kafka record batches of version 2, in segments as KafScale writes them."""

import os
import struct

import crc32c
import lz4.frame
import zstandard

ZSTD = zstandard.ZstdCompressor(level=3)
CODECS = {"none": 0, "lz4": 3, "zstd": 4}
FRAME_BYTES = 48


def varint(number):
    rest = ((number << 1) ^ (number >> 63)) & 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while rest >= 0x80:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def record(delta, milliseconds, key, value, headers):
    out = bytearray(b"\0") + varint(milliseconds) + varint(delta)
    out += varint(-1) if key is None else varint(len(key)) + key
    out += varint(len(value)) + value + varint(len(headers))
    for name, content in headers:
        out += varint(len(name)) + name + varint(len(content)) + content
    return varint(len(out)) + out


def batch(base, base_ms, records, codec):
    """`records`: (milliseconds since `base_ms`, key, value, headers) of the offsets from `base` on."""
    body = b"".join(record(delta, *fields) for delta, fields in enumerate(records))
    if codec == "zstd":
        body = ZSTD.compress(body)
    elif codec == "lz4":
        body = lz4.frame.compress(body, block_size=lz4.frame.BLOCKSIZE_MAX64KB, block_linked=False)
    count = len(records)
    checked = struct.pack(">hiqqqhii", CODECS[codec], count - 1, base_ms, base_ms + records[-1][0], -1, -1, -1, count) + body
    return struct.pack(">qiibI", base, len(checked) + 9, 0, 2, crc32c.crc32c(checked)) + checked


class Segments:
    """Writes batches one after another into CODEC-00.kfs, CODEC-01.kfs, … of 64 MiB at most."""

    def __init__(self, directory, codec):
        os.makedirs(directory, exist_ok=True)
        self.path = os.path.join(directory, codec)
        self.codec = codec
        self.number = 0
        self.start(0)

    def start(self, base):
        self.base = self.next = base
        self.batches = bytearray()

    def add(self, base, base_ms, records):
        bytes_ = batch(base, base_ms, records, self.codec)
        if self.batches and len(self.batches) + len(bytes_) > 64 * 1024 * 1024 - FRAME_BYTES:
            self.flush()
            self.start(base)
        self.batches += bytes_
        self.next = base + len(records)

    def flush(self):
        header = struct.pack(">HHqiqI", 1, 0, self.base, self.next - self.base, 1717718400000, 0)
        footer = struct.pack(">Iq", crc32c.crc32c(bytes(self.batches)), self.next - 1)
        with open(f"{self.path}-{self.number:02d}.kfs", "wb") as file:
            file.write(b"KAFS" + header + self.batches + footer + b"END!")
        self.number += 1


def write_topic(directory, codecs, count, random, make):
    """`count` records in batches of 500. `make(number, milliseconds)` gives a record's key and value; a fifth of them get a header."""
    segments = [Segments(directory, codec) for codec in codecs]
    milliseconds = 1717718400000
    for base in range(0, count, 500):
        base_ms = milliseconds
        records = []
        for number in range(base, min(base + 500, count)):
            key, value = make(number, milliseconds)
            headers = [(b"trace-id", b"%032x" % random.getrandbits(128))] if random.random() < 0.2 else []
            records.append((milliseconds - base_ms, key, value, headers))
            milliseconds += random.randrange(0, 4)
        for one in segments:
            one.add(base, base_ms, records)
    for one in segments:
        one.flush()
