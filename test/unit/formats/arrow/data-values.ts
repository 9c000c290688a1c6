import { type Data, DataType, type Table } from 'apache-arrow'

/** The rows of each column of a table that Arrow's own reader gave, as `valuesOf` shows a vector: exact, whatever Arrow would make of them. */
export function tableValues(table: Table): unknown[][] {
  return table.schema.fields.map((_, column) => table.batches.flatMap((batch) => dataValues(batch.data.children[column])))
}

function dataValues(data: Data): unknown[] {
  const value = reader(data)
  return Array.from({ length: data.length }, (_, i) => (data.getValid(i) ? value(i) : null))
}

function reader(data: Data): (i: number) => unknown {
  const { type, values, valueOffsets } = data
  if (DataType.isBool(type)) return (i) => (values[(data.offset + i) >> 3] & (1 << ((data.offset + i) & 7))) !== 0
  if (DataType.isUtf8(type) || DataType.isBinary(type)) return (i) => Uint8Array.from(values.slice(valueOffsets[i], valueOffsets[i + 1]))
  if (DataType.isFixedSizeBinary(type)) return (i) => Uint8Array.from(values.slice(i * type.byteWidth, (i + 1) * type.byteWidth))
  if (DataType.isDecimal(type)) return (i) => decimal(values.subarray(4 * i, 4 * i + 4))
  if (DataType.isStruct(type)) {
    const children = data.children.map(dataValues)
    return (i) => children.map((child) => child[i])
  }
  if (DataType.isList(type) || DataType.isMap(type)) {
    const elements = dataValues(data.children[0])
    return (i) => elements.slice(valueOffsets[i], valueOffsets[i + 1])
  }
  return (i) => values[i]
}

function decimal(words: Uint32Array): bigint {
  return BigInt.asIntN(
    128,
    words.reduceRight((value, word) => (value << 32n) | BigInt(word), 0n),
  )
}
