"""Events with other fields and types, drawn from a seed: the second workload, so that nothing is made for the first one's columns.

usage: other.py RECORDS DIRECTORY --schema SEED [--seed N]
Writes none-NN.kfs, and columns.tsv: names and types of 8 to 20 columns. --schema draws the columns, --seed their values.
"""

import argparse
import datetime
import json
import os
import random
import string

import kfs

NAMES = (
    "account agent alarm battery branch carrier channel class depth device door duration engine floor gate grade height host index item "
    "label level limit line lot mark meter model node origin owner panel phase point port price rank rate reading region route score "
    "sensor shelf shift source speed stage station target tariff team token track unit valve version volume weight zone"
).split()
LETTERS = string.ascii_letters + string.digits
SYLLABLES = ["ka", "ro", "mi", "ten", "sol", "ber", "zü", "ño", "lin", "da", "vor", "é", "東", "ex", "um", "pra"]


def word(rnd):
    return "".join(rnd.choice(SYLLABLES) for _ in range(rnd.randrange(1, 5)))


def text(rnd):
    words = " ".join(word(rnd) for _ in range(rnd.randrange(2, 20)))
    return words + ' \\ "%s"\n' % words[:5] if rnd.random() < 0.1 else words


def string_maker(rnd):
    kind = rnd.choice(["few", "some", "id", "text"])
    if kind == "text":
        return text
    if kind == "id":
        length = rnd.randrange(8, 37)
        return lambda values: "".join(values.choices(LETTERS, k=length))
    known = [word(rnd) + str(i) for i in range(rnd.randrange(2, 50) if kind == "few" else rnd.randrange(500, 50_000))]
    return lambda values: values.choice(known)


def long_maker(rnd):
    low, high = rnd.choice([(0, 100), (-50_000, 50_000), (0, 10**9), (10**12, 10**13), (-(2**63), 2**63 - 1)])
    return lambda values: values.randint(low, high)


def int_maker(rnd):
    high = rnd.choice([10, 5_000, 2**31 - 1])
    return lambda values: values.randint(-high, high)


def double_maker(rnd):
    scale, digits = rnd.choice([(1, 3), (100, 2), (10_000, 1), (10**6, 4), (1, 17)])
    return lambda values: round((values.random() - 0.2) * scale, digits)


def boolean_maker(rnd):
    share = rnd.random()
    return lambda values: values.random() < share


def time_maker(rnd):
    start = rnd.randrange(1_500_000_000, 1_700_000_000)
    digits = rnd.choice([0, 3, 6])

    def make(values):
        when = datetime.datetime.fromtimestamp(start + values.randrange(50_000_000), datetime.timezone.utc)
        fraction = ".%0*d" % (digits, values.randrange(10**digits)) if digits else ""
        return when.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"

    return make


PLAIN = {
    "string": string_maker,
    "long": long_maker,
    "int": int_maker,
    "double": double_maker,
    "boolean": boolean_maker,
    "timestamptz": time_maker,
}


def names(rnd, count):
    chosen = rnd.sample(NAMES, count)
    return [f"{name}_{rnd.choice(NAMES)}" if rnd.random() < 0.5 else name for name in chosen]


def column(rnd):
    """Type and maker of one column."""
    kind = rnd.choice(["string"] * 4 + ["long", "long", "int", "double", "double", "boolean", "timestamptz", "struct", "list"])
    if kind == "struct":
        types = rnd.choices(list(PLAIN), k=rnd.randrange(2, 6))
        fields = [(name, PLAIN[type_](rnd)) for name, type_ in zip(names(rnd, len(types)), types)]
        inner = ", ".join(f"{name}: {type_}" for (name, _), type_ in zip(fields, types))
        return f"struct<{inner}>", lambda values: {name: make(values) for name, make in fields}
    if kind == "list":
        element = rnd.choice(["string", "long"])
        make, longest = PLAIN[element](rnd), rnd.randrange(1, 6)
        return f"list<{element}>", lambda values: [make(values) for _ in range(values.randint(0, longest))]
    return kind, PLAIN[kind](rnd)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=int)
    parser.add_argument("directory")
    parser.add_argument("--schema", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    drawn = random.Random(options.schema)
    values = random.Random(options.seed)
    columns = []
    for name in names(drawn, drawn.randint(8, 20)):
        absent = drawn.choice([0, 0, 0.05, 0.4])
        columns.append((name, *column(drawn), absent, drawn.random() < 0.3))

    def make(number, milliseconds):
        document = {}
        for name, _, make_value, absent, says_null in columns:
            if values.random() >= absent:
                document[name] = make_value(values)
            elif says_null:
                document[name] = None
        key = None if values.random() < 0.05 else b"%d" % values.randrange(5_000_000)
        return key, json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()

    kfs.write_topic(options.directory, ["none"], options.records, values, make)
    with open(os.path.join(options.directory, "columns.tsv"), "w") as file:
        file.write("".join(f"{name}\t{type_}\n" for name, type_, *_ in columns))


main()
