"""Order events as JSON of about 400 bytes, the same bytes every time: the workload of the hot path.

usage: orders.py RECORDS DIRECTORY [--codecs none,zstd,lz4] [--seed N] [--shuffle] [--unknown N]
Writes CODEC-NN.kfs, the same records under each codec, and columns.tsv, which is orders.tsv: names and types of the columns.
--shuffle: the keys of each record in an order of its own. --unknown N: N objects in each record that have no column.
The records' known values are the same in all of these.
"""

import argparse
import json
import os
import random
import shutil
import time

import kfs

CURRENCIES = "USD EUR GBP JPY CHF SEK BRL".split()
STATES = "created paid packed shipped delivered cancelled refunded".split()
CITIES = "Berlin,München,Zürich,São Paulo,東京,New York,Kraków,Lyon,Oslo,Cork".split(",")
COUNTRIES = "DE DE CH BR JP US PL FR NO IE".split()
TAGS = "promo vip b2b gift express eco bulk return web app".split()
WORDS = (
    "the customer asked for a quick delivery please ring twice leave parcel with neighbour gift wrap it fragile handle with care "
    "second attempt paid on invoice warehouse note priority lane"
).split()
UNKNOWN = "geo device campaign risk audit session pricing routing consent origin".split()


def order(rnd, number, milliseconds):
    r, ri = rnd.random, rnd.randrange
    city = ri(10)
    document = {
        "order_id": "ord-%012x-%06d" % (rnd.getrandbits(48), number),
        "customer_id": 10_000_000_000 + ri(5_000_000),
        "amount": round(r() * 2500, 2),
        "tax": round(r() * 300, 4),
        "currency": CURRENCIES[ri(7)],
        "status": STATES[ri(7)],
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)) + ".%03dZ" % (milliseconds % 1000),
        "updated_ms": milliseconds + ri(100000),
        "express": r() < 0.3,
        "address": {"city": CITIES[city], "country": COUNTRIES[city], "zip": "%05d" % ri(99999)},
        "tags": [TAGS[ri(10)] for _ in range(ri(4))],
    }
    if r() < 0.7:
        document["coupon"] = "C%05d" % ri(30000)
    elif r() < 0.5:
        document["coupon"] = None
    if r() < 0.5:
        document["discount"] = round(r() * 20, 1)
    note = " ".join(WORDS[ri(len(WORDS))] for _ in range(6 + ri(10)))
    kind = r()
    if kind < 0.15:
        note = note.replace(" ", ' "', 1) + '"\nline two\t'
    elif kind < 0.30:
        note += " — grüße ✓ 😀"
    document["note"] = note
    return document


def with_unknown(rnd, document, count):
    """An unknown member behind each known one, until there are `count` of them."""
    out = {}
    members = iter(document.items())
    for name in UNKNOWN[:count]:
        out.update([next(members)])
        out[name] = {
            "id": rnd.randrange(1_000_000),
            "labels": [rnd.choice(TAGS), rnd.choice(TAGS)],
            "detail": {"score": round(rnd.random(), 3), "text": 'said "%s"' % rnd.choice(WORDS), "open": rnd.random() < 0.5, "parent": None},
        }
    out.update(members)
    return out


def shuffled(rnd, value):
    if not isinstance(value, dict):
        return value
    members = [(key, shuffled(rnd, inner)) for key, inner in value.items()]
    rnd.shuffle(members)
    return dict(members)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=int)
    parser.add_argument("directory")
    parser.add_argument("--codecs", default="none")
    parser.add_argument("--seed", type=int, default=20240607)
    parser.add_argument("--shuffle", action="store_true")
    parser.add_argument("--unknown", type=int, choices=range(len(UNKNOWN) + 1), default=0)
    options = parser.parse_args()
    rnd = random.Random(options.seed)
    # What makes a variant draws from its own numbers, so that known values stay the same.
    other = random.Random(options.seed + 1)

    def make(number, milliseconds):
        document = order(rnd, number, milliseconds)
        customer = document["customer_id"]
        ascii_only = rnd.random() < 0.1
        if options.unknown:
            document = with_unknown(other, document, options.unknown)
        if options.shuffle:
            document = shuffled(other, document)
        value = json.dumps(document, separators=(",", ":"), ensure_ascii=ascii_only).encode()
        return None if rnd.random() < 0.05 else str(customer).encode(), value

    kfs.write_topic(options.directory, options.codecs.split(","), options.records, rnd, make)
    shutil.copy(os.path.join(os.path.dirname(__file__), "orders.tsv"), os.path.join(options.directory, "columns.tsv"))


main()
