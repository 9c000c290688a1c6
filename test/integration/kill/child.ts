import { readFileSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { abortOnSignals } from '../../../src/cli/signals.ts'
import { openDocument } from '../../../src/compose.ts'
import { restCatalog } from '../../../src/drivers/catalog/rest.ts'
import { pinoJournal } from '../../../src/drivers/journal/pino.ts'
import { countingMeter } from '../../../src/drivers/meter/counting.ts'
import { Processor } from '../../../src/service/feed/processor.ts'
import type { ProcessorSeams } from '../../../src/service/feed/processor-seams.ts'
import type { Catalog } from '../../../src/seams/catalog.ts'
import { loadDocuments } from '../../../src/spec/load.ts'
import { type Fate, stepInsideFiles, stepInsideRequests, Steps, withSteps } from './steps.ts'

/** What a child is told, as JSON in its only argument. */
export interface ChildOptions {
  readonly document: string
  readonly once: boolean
  readonly printSteps?: boolean
  readonly fate?: Fate
  /** How long the REST catalog's answers are waited for, ms. */
  readonly catalogTimeoutMs?: number
  /** Pause between building a commit and sending it, ms: others commit meanwhile. */
  readonly commitPauseMs?: number
}

/** The last line that a child prints on its standard output. */
export interface ChildReport {
  readonly ok: boolean
  readonly totals: Readonly<Record<string, number>>
}

async function main(options: ChildOptions): Promise<void> {
  const [document] = loadDocuments(readFileSync(options.document, 'utf8'), options.document, {})
  const steps = new Steps(options.fate, options.printSteps ?? false)
  stepInsideFiles(steps)
  stepInsideRequests(steps)
  const meter = countingMeter()
  const signals = abortOnSignals(() => undefined)
  const opened = await openDocument(document, pinoJournal({ level: 'info' }), meter)
  let { catalog } = opened.seams
  if (options.catalogTimeoutMs !== undefined) {
    const { endpoint, warehouse } = document.spec.sink.catalog
    catalog = restCatalog({ endpoint, warehouse, clock: opened.seams.clock, timeoutMs: options.catalogTimeoutMs })
  }
  const seams: ProcessorSeams = { ...opened.seams, catalog: slowCommits(catalog, options.commitPauseMs ?? 0) }
  const ok = await new Processor(document, opened.source, withSteps(seams, steps)).run(options.once, signals.signal)
  signals.release()
  await catalog.close()
  if (catalog !== opened.seams.catalog) await opened.close()
  const report: ChildReport = { ok, totals: Object.fromEntries(meter.totals()) }
  writeSync(1, `report ${JSON.stringify(report)}\n`)
  process.exitCode = ok ? 0 : 1
}

function slowCommits(catalog: Catalog, ms: number): Catalog {
  if (ms === 0) return catalog
  return {
    ...catalog,
    async commitTable(table, request) {
      await sleep(ms)
      return catalog.commitTable(table, request)
    },
  }
}

if (import.meta.main) await main(JSON.parse(process.argv[2]) as ChildOptions)
