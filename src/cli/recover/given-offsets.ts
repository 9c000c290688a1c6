import { DocumentError } from '../../model/failure.ts'
import type { PassedOffsets } from '../../service/recover/assume-from-rows.ts'

/** A topic-partition's next offset: one past the last that was read. */
interface Given {
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly line: number
}

/**
 * Reads the offsets that a consumer group comes to, from what `kafka-consumer-groups --describe` prints, from lines
 * `topic,partition,offset` (as its `--reset-offsets --export` writes them), or from a JSON list of objects with these keys. Offsets are the next to be read,
 * as Kafka keeps them. Throws a DocumentError with the line where something else stands, or where the group is still at work. Pure.
 */
export function readGivenOffsets(file: string, text: string): PassedOffsets {
  const wrong = (line: number, message: string) => new DocumentError(`${file}:${line}: ${message}`)
  const found = new Map<string, Map<number, bigint>>()
  for (const { topic, partition, offset, line } of rowsOf(text, wrong)) {
    if (topic === '') throw wrong(line, 'expected a topic, found nothing')
    if (!/^\d{1,9}$/.test(partition)) throw wrong(line, `expected a partition's number, found ${JSON.stringify(partition)}`)
    if (!/^\d{1,18}$/.test(offset)) throw wrong(line, `expected an offset, 0 or more, found ${JSON.stringify(offset)}`)
    const partitions = found.get(topic) ?? new Map<number, bigint>()
    if (partitions.has(Number(partition))) throw wrong(line, `${topic}/${partition} has an offset already`)
    found.set(topic, partitions.set(Number(partition), BigInt(offset)))
  }
  if (found.size === 0) throw new DocumentError(`${file}: expected an offset of at least one topic-partition, found none`)
  return found
}

type Wrong = (line: number, message: string) => DocumentError

function rowsOf(text: string, wrong: Wrong): Given[] {
  if (text.trimStart().startsWith('[')) return fromJson(text, wrong)
  const lines = text.split('\n').map((line, i) => ({ text: line.trim(), line: i + 1 }))
  const title = lines.findIndex((line) => /\bTOPIC\s+PARTITION\s+CURRENT-OFFSET\b/.test(line.text))
  return title === -1 ? fromCsv(lines, wrong) : fromDescription(lines.slice(title), wrong)
}

interface Line {
  readonly text: string
  readonly line: number
}

function fromDescription([title, ...lines]: readonly Line[], wrong: Wrong): Given[] {
  const names = title.text.split(/\s+/)
  const [topic, partition, offset, member] = ['TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'CONSUMER-ID'].map((name) => names.indexOf(name))
  const rows: Given[] = []
  for (const { text, line } of lines) {
    if (text === '') continue
    const cells = text.split(/\s+/)
    if (member !== -1 && cells[member] !== undefined && cells[member] !== '-') {
      throw wrong(line, 'the group still has members: stop what reads in it, and describe it again')
    }
    // A dash: the group has read nothing of it.
    rows.push({
      topic: cells[topic] ?? '',
      partition: cells[partition] ?? '',
      offset: cells[offset] === '-' ? '0' : (cells[offset] ?? ''),
      line,
    })
  }
  return rows
}

function fromCsv(lines: readonly Line[], wrong: Wrong): Given[] {
  const rows: Given[] = []
  for (const { text, line } of lines) {
    if (text === '' || (rows.length === 0 && text.toLowerCase() === 'topic,partition,offset')) continue
    const cells = text.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
    if (cells.length !== 3) throw wrong(line, `expected topic,partition,offset, found ${cells.length} fields`)
    rows.push({ topic: cells[0], partition: cells[1], offset: cells[2], line })
  }
  return rows
}

function fromJson(text: string, wrong: Wrong): Given[] {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (error) {
    throw wrong(1, `expected a JSON list: ${(error as Error).message}`)
  }
  return (list as unknown[]).map((one) => {
    const { topic, partition, offset } = (one ?? {}) as Record<string, unknown>
    const isNumber = typeof offset === 'number' && Number.isSafeInteger(offset)
    return {
      topic: typeof topic === 'string' ? topic : '',
      partition: typeof partition === 'number' ? String(partition) : '',
      offset: isNumber || typeof offset === 'string' ? String(offset) : '',
      line: 1,
    }
  })
}
