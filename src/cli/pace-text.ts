import type { Pace } from '../model/speed.ts'
import { formatNumberOf } from './units.ts'

/** What a time was reckoned by, as the end of a sentence. */
export function paceText(pace: Pace): string {
  if (pace.by === 'commits') return `measured over the last ${formatNumberOf(pace.commits, 'commit')} of this table`
  return pace.by === 'bounds' ? 'as fast as it was allowed to be' : 'of the benchmark: no commit of this table tells yet'
}
