import type { ProcessorDocument } from '../../spec/document.ts'
import { engineWarnings } from '../../spec/engine-warnings.ts'
import { notYet } from '../../spec/not-yet.ts'
import { topicWarnings } from '../../spec/topic-warnings.ts'
import { type Check, failed, passed, warned } from './check.ts'

/** What the document alone shows: what `run` refuses, what is about no topic, and what some engine will not take. */
export function documentChecks(document: ProcessorDocument): Check[] {
  const refused = notYet(document).map(({ path, message }) => failed('document', `${path}: ${message}`))
  const warnings = [...topicWarnings(document), ...engineWarnings(document)].map(({ path, message }) =>
    warned('document', `${path}: ${message}`),
  )
  const { source, sink } = document.spec
  const good = passed('document', `${source.topics.join(', ')} into ${sink.database} of the ${sink.catalog.type} catalog`)
  return refused.length > 0 ? [...refused, ...warnings] : [good, ...warnings]
}
