import { stringifyJson } from '../formats/json/exact.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import { showStatus } from './status-text.ts'

interface StatusOptions {
  readonly file: string
  readonly json?: boolean
}

/** `status`: what the tables and the source say now. */
export const statusCommand: Command<StatusOptions> = {
  description:
    'Shows each table and topic-partition: progress, what is left in the source, holes (not materialized yet), gaps (missing in the source) and the last commit. Reads the tables, lists the source and, of topic-partitions where something waits for more than three commit intervals, reads the first segment that waits (at most 20 for a table, one request each) to see whether it stops them; asks the queue in Redis for its depth and for what was set aside, and who serves metrics on this machine for what it has counted, and waits for neither long; changes nothing. Ends with 1 where a table or a topic-partition is stopped, as far as these tell.',
  options: [fileOption, jsonOption],
  examples: [
    ['status -f spec.yaml', 'Show how far the tables are:'],
    ['status -f spec.yaml --json', 'The same for a program; offsets and ids are exact:'],
  ],
  async run({ options }, terminal) {
    const { documents } = await readDocuments(options.file)
    const { documentStatuses } = await import('../compose.ts')
    const statuses = await documentStatuses(documents)
    const { isStopped } = await import('../service/status/status.ts')
    const ok = !statuses.some(isStopped)
    if (options.json === true) terminal.out(stringifyJson({ ok, documents: statuses }))
    else showStatus(statuses, Date.now(), terminal)
    return ok ? 0 : 1
  },
}
