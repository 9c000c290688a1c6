import { stringifyJson } from '../formats/json/exact.ts'
import type { DocumentPlan } from '../service/status/plan-report.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { pricesOption, readPrices } from './prices.ts'
import { showPlans } from './plan-text.ts'

interface PlanOptions {
  readonly file: string
  readonly prices?: string
  readonly json?: boolean
}

/** `plan`: what a run would do now. */
export const planCommand: Command<PlanOptions> = {
  description:
    'Says what a run would do now, without doing it: the tables that there are or that would be made, with their columns; the segments to read, the requests to the source, tasks, commits, files, time and money that this takes; and what is stopped or refused, and why. Lists the source whole, and reads a sample of the records of tables that are not there yet.',
  options: [fileOption, pricesOption, jsonOption],
  examples: [
    ['plan -f spec.yaml', 'See what a run would do:'],
    ['plan -f spec.yaml --json', 'The same for a program:'],
  ],
  async run({ options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const { documentPlans } = await import('../compose.ts')
    const plans = await documentPlans(documents, await readPrices(options.prices))
    if (options.json === true) terminal.out(stringifyJson({ ok: true, documents: plans.map(toJson) }))
    else showPlans(plans, terminal)
    return 0
  },
}

function toJson({ tables, ...plan }: DocumentPlan): unknown {
  return {
    ...plan,
    tables: tables.map(({ metadata, mapping: _mapping, value, refused: _refused, ...table }) => ({
      ...table,
      exists: metadata !== null,
      value: value?.format ?? null,
    })),
  }
}
