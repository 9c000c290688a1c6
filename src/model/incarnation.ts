import { decidedSets, type Progress } from './progress.ts'

/**
 * A log that begins again at offset 0 is another log of the same source. In progress it goes by the source's id with `#2`, `#3` and so
 * on behind it: ids end in a slash, so that this can not be a part of them.
 */
export function incarnationId(source: string, incarnation: number): string {
  return incarnation === 1 ? source : `${source}#${incarnation}`
}

/** The source and the incarnation of an id in progress. */
export function parseIncarnation(id: string): { source: string; incarnation: number } {
  const found = /^(.*\/)#([1-9]\d{0,8})$/s.exec(id)
  return found === null ? { source: id, incarnation: 1 } : { source: found[1], incarnation: Number(found[2]) }
}

/** Which incarnation of a source is the current one: the highest that has progress; 1 where none has. */
export function currentIncarnation(progress: Progress, source: string): number {
  let highest = 1
  for (const id of progress.keys()) {
    const parsed = parseIncarnation(id)
    if (parsed.source === source && parsed.incarnation > highest) highest = parsed.incarnation
  }
  return highest
}

/** The id under which a source's progress goes on. */
export function currentId(progress: Progress, source: string): string {
  return incarnationId(source, currentIncarnation(progress, source))
}

/** The topics of which something is decided, in whatever incarnation of a source. */
export function topicsDecided(progress: Progress, source: string): Set<string> {
  return new Set(decidedSets(progress).flatMap((set) => (parseIncarnation(set.source).source === source ? [set.at.topic] : [])))
}

/** Whether any source has an incarnation beyond the first. */
export function hasIncarnations(progress: Progress): boolean {
  return [...progress.keys()].some((id) => parseIncarnation(id).incarnation > 1)
}
