import { PartDecoder, type DecodeOptions } from '../../../../src/pipeline/decode/part-decoder.ts'
import { TableColumns } from '../../../../src/pipeline/decode/table-columns.ts'
import type { BytesFormat, ColumnRole, DecidedSpan, TableLayout } from '../../../../src/pipeline/flow.ts'
import type { IcebergType } from '../../../../src/formats/iceberg/schema.ts'
import type { TaskPart } from '../../../../src/model/task.ts'
import type { TranslatedPart } from '../../../../src/model/translated-part.ts'
import { valuesOf } from '../../formats/arrow/values.ts'
import { partOf, type Written } from '../../service/segments.ts'

/** A row with its bytes as Latin-1 text, so that none is lost. */
export interface Row {
  readonly offset: bigint
  readonly timestamp: bigint | null
  readonly key: string | null
  readonly headers: readonly (readonly [string, string | null])[]
  readonly value: string | null
}

export interface Decoded {
  readonly rows: readonly Row[]
  readonly part: TranslatedPart
  readonly spans: readonly DecidedSpan[]
}

const headersType: IcebergType = {
  type: 'list',
  'element-id': 8,
  'element-required': true,
  element: {
    type: 'struct',
    fields: [
      { id: 9, name: 'key', required: true, type: 'string' },
      { id: 10, name: 'value', required: false, type: 'binary' },
    ],
  },
}

const wholeRoles = ['topic', 'partition', 'offset', 'timestamp', 'key', 'headers', 'value'] as const satisfies readonly ColumnRole[]

/** The layout of a table of ours with these columns. */
export function layoutOf(
  formats: { key?: BytesFormat; value?: BytesFormat } = {},
  roles: readonly (typeof wholeRoles)[number][] = wholeRoles,
): TableLayout {
  const { key = 'binary', value = 'binary' } = formats
  const types: Record<(typeof wholeRoles)[number], IcebergType> = {
    topic: 'string',
    partition: 'int',
    offset: 'long',
    timestamp: 'timestamptz',
    key,
    headers: headersType,
    value,
  }
  const required = new Set<ColumnRole>(['topic', 'partition', 'offset'])
  const columns = roles.map((role, i) => ({ role, field: { id: i + 1, name: role, required: required.has(role), type: types[role] } }))
  return { columns, keyFormat: key, valueFormat: value, record: null, missing: [] }
}

/** Decodes the segments of a part, one after another, as a worker does, and reads the rows back from the columns. */
export function decode(
  segments: readonly Written[],
  options: Partial<DecodeOptions> & { part?: Partial<TaskPart>; key?: BytesFormat; value?: BytesFormat } = {},
): Decoded {
  const layout = layoutOf(options)
  const columns = new TableColumns(layout)
  const decoder = new PartDecoder(partOf(segments, options.part), columns, { onError: 'stop', maxBatchBytes: 1 << 24, ...options })
  const spans: DecidedSpan[] = []
  for (const { ref, bytes } of segments) {
    for (const span of decoder.decode(ref, bytes)) spans.push(span)
    if (decoder.ended) break
  }
  return { part: decoder.finish(), rows: rowsOf(columns), spans }
}

function rowsOf(columns: TableColumns): Row[] {
  const [, , offset, timestamp, key, headers, value] = columns.snapshot().columns.map(valuesOf)
  return offset.map((_, i) => ({
    offset: offset[i] as bigint,
    timestamp: timestamp[i] as bigint | null,
    key: text(key[i]),
    headers: (headers[i] as unknown[][]).map(([name, content]) => [text(name)!, text(content)]),
    value: text(value[i]),
  }))
}

function text(bytes: unknown): string | null {
  return bytes === null ? null : Buffer.from(bytes as Uint8Array).toString('latin1')
}
