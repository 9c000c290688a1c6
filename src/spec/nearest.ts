import { distance } from 'fastest-levenshtein'

/**
 * The candidate that was probably meant by `word`, or undefined where none is near: at most one edit in three characters, where
 * case, `_` and `-` count for nothing.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word)
  let best: string | undefined
  let bestEdits = Math.max(1, Math.floor(Math.min(wanted.length, 30) / 3)) + 1
  for (const candidate of candidates) {
    const edits = distance(wanted.slice(0, 100), plain(candidate))
    if (edits < bestEdits) {
      best = candidate
      bestEdits = edits
    }
  }
  return best
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[_-]/g, '')
}
