import picomatch from 'picomatch'
import { FormError } from './scanner.ts'

/** Whether a pattern stands for more than the one topic of that name. */
export function isGlob(pattern: string): boolean {
  return /[^A-Za-z0-9._-]/.test(pattern)
}

/**
 * Checks a topic's name or glob and returns it. Names have 1 to 249 letters, digits, `.`, `_` and `-`, and are neither `.` nor `..`
 * (Kafka's own rule). Globs have besides: `*`, `?`, `[a-z]`, `[!a-z]` and `{this,that}`. Throws a FormError.
 */
export function topicPattern(text: string): string {
  if (text === '') throw new FormError('at least one character')
  if (text.length > 249) throw new FormError('it has more than 249 characters')
  if (text === '.' || text === '..') throw new FormError('Kafka has no topic of this name')
  const legal = 'letters, digits, ".", "_" and "-" in names, and *, ?, [a-z], [!a-z], {this,that} in globs'
  const atom = /[A-Za-z0-9._*?-]+|\[[!^]?[A-Za-z0-9._-]+\]/y
  let at = 0
  // Of each brace that is open: whether a comma stood in it.
  const open: boolean[] = []
  while (at < text.length) {
    atom.lastIndex = at
    const found = atom.exec(text)?.[0]
    if (found !== undefined) {
      if (open.length > 0 && found.includes('..')) throw new FormError('write [0-9] for a range')
      at += found.length
      continue
    }
    const character = text[at]
    if (character === '{') open.push(false)
    else if (character === ',' && open.length > 0) open[open.length - 1] = true
    else if (character === '}' && open.length > 0) {
      if (!open.pop()) throw new FormError('braces hold alternatives: {this,that}')
    } else throw new FormError(`${legal}; not so at character ${at + 1}`)
    at++
  }
  if (open.length > 0) throw new FormError('a { is not closed')
  return text
}

/** Whether a topic is the one that the pattern names or one that the glob matches. Dots are characters like all others. */
export function topicMatcher(pattern: string): (topic: string) => boolean {
  if (!isGlob(pattern)) return (topic) => topic === pattern
  // Picomatch knows only the other way to write it.
  return picomatch(pattern.replaceAll('[!', '[^'), { dot: true, noextglob: true })
}

/** The topics that any of the patterns means, in the order given. */
export function matchTopics(patterns: readonly string[], topics: Iterable<string>): string[] {
  const matchers = patterns.map(topicMatcher)
  return [...topics].filter((topic) => matchers.some((matches) => matches(topic)))
}
