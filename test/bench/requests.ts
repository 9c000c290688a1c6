import { openDocument } from '../../src/compose.ts'
import { memoryJournal } from '../../src/drivers/journal/memory.ts'
import { countingMeter } from '../../src/drivers/meter/counting.ts'
import { Processor } from '../../src/pipeline/processor.ts'
import { loadDocuments } from '../../src/spec/load.ts'

/** What one run asked of its source. */
export interface SourceRequests {
  readonly gets: number
  /** GETs, listings' pages and whatever else went to S3. */
  readonly all: number
  readonly files: number
}

/** Runs a document whose source alone is in S3 to the end, in this process, and counts its requests. Throws an Error where it stopped. */
export async function countRequests(text: string): Promise<SourceRequests> {
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
  return { gets: total('store.source.get.requests'), all: total('store.s3.requests'), files: total('files.committed') }
}
