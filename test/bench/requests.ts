import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { Processor } from '../../src/service/feed/processor.ts'
import { loadDocuments } from '../../src/spec/load.ts'

/** What one run asked of S3. */
export interface RequestCount {
  /** Every attempt, to the source and to the warehouse: listings, GETs and PUTs. */
  readonly requests: number
  /** Data files that were committed. */
  readonly files: number
}

/** Runs a document to the end, in this process, and counts its requests. Throws an Error where it stopped. */
export async function countRequests(text: string): Promise<RequestCount> {
  const meter = countingMeter()
  const journal = memoryJournal()
  const document = loadDocuments(text, 'bench', {})[0]
  const opened = await openDocument(document, journal, meter)
  try {
    const ok = await new Processor(document, opened.source, opened.seams).run(true, new AbortController().signal)
    if (!ok) throw new Error(`the run was stopped: ${journal.lines.map(({ message }) => message).join('; ')}`)
  } finally {
    await opened.close()
  }
  const total = (name: string) => meter.totals().get(name) ?? 0
  return { requests: total('store.s3.requests'), files: total('files.committed') }
}
