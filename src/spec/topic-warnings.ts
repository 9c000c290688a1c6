import type { Problem } from '../model/failure.ts'
import type { ProcessorDocument } from './document.ts'
import { nearest } from './nearest.ts'
import { pathText } from './path.ts'
import { isGlob, topicMatcher } from './topic-glob.ts'
import { quoted } from './wording.ts'

/**
 * The mappings and backfills that can be about no topic of the source: each with its path. Only where that is certain: of two globs nothing is said, since a
 * topic may come that both match. Pure.
 */
export function topicWarnings({ metadata, spec }: ProcessorDocument): Problem[] {
  const { topics } = spec.source
  const said = [
    ...spec.mappings.map(({ topic }, index) => ({ topic, path: ['spec', 'mappings', index, 'topic'], what: 'this mapping' })),
    ...(spec.backfill ?? []).map(({ topic }, index) => ({ topic, path: ['spec', 'backfill', index, 'topic'], what: 'this backfill' })),
  ]
  return said.flatMap(({ topic, path, what }) => {
    if (topics.some((one) => mayMeet(one, topic))) return []
    const meant = nearest(
      bare(topic),
      topics.map((one) => bare(one)),
    )
    const hint = meant === undefined ? '' : `; did you mean ${topics.find((one) => bare(one) === meant)}?`
    const message = `no entry of spec.source.topics can match ${quoted(topic)}, so that ${what} is about no topic${hint}`
    return [{ document: metadata.name, path: pathText(path), message }]
  })
}

function mayMeet(one: string, other: string): boolean {
  if (isGlob(one) && isGlob(other)) return true
  return isGlob(one) ? topicMatcher(one)(other) : topicMatcher(other)(one)
}

/** What is left to compare of a glob. */
function bare(pattern: string): string {
  return pattern.replaceAll(/[^A-Za-z0-9._-]/g, '')
}
