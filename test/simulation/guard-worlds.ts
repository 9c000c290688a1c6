import { virtualClock } from '../../src/drivers/clock/virtual.ts'
import { seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { drawSettings, type Role, type Settings } from './settings.ts'

const has =
  (role: Role) =>
  ({ sources }: Settings): boolean =>
    sources.some(({ fleet }) => fleet.includes(role))
const restarts = (settings: Settings) => settings.restarts
const provokes = (settings: Settings) => settings.provokes
const deletesBesideRewrites = (settings: Settings) => provokes(settings) && has('compactor')(settings) && !settings.rebuilds
const rebuilds = (settings: Settings) => settings.rebuilds
const retires = ({ midnightAfterMs }: Settings) => midnightAfterMs !== null
/** By a process of its own, or by the service as the document has it. */
const expires = (settings: Settings) =>
  has('keeper')(settings) || JSON.stringify(settings.sources[0].document.spec.sink).includes('max-snapshot-age')

/** In which worlds the code of a guard surely has something to decide; guards that are not here have in all. */
export const worldsOf: Readonly<Record<string, (settings: Settings) => boolean>> = {
  'result-age': ({ hibernates }) => hibernates,
  'known-progress': ({ rollbacks }) => rollbacks,
  'stop-restarted-log': restarts,
  'one-incarnation': (settings) => restarts(settings) && provokes(settings) && has('historian')(settings),
  'segment-etag': provokes,
  'prove-gap': provokes,
  'skip-from-start': ({ skips, startAt }) => skips && startAt !== 'earliest',
  'inputs-still-live': has('compactor'),
  'deletes-since-planned': deletesBesideRewrites,
  'keep-sequence-number': deletesBesideRewrites,
  'keep-newer-deletes': deletesBesideRewrites,
  'keep-needed-deletes': has('compactor'),
  'expiry-asserts-refs': (settings) => settings.movesTags && expires(settings),
  'expiry-seen-gone': expires,
  'expiry-keeps-stopped': (settings) => settings.rollbacks && expires(settings),
  'expiry-keeps-named-files': expires,
  'expiry-keeps-named-manifests': expires,
  'expiry-keeps-refs': expires,
  'expiry-keeps-progress': expires,
  'history-as-asked': has('historian'),
  'history-in-order': (settings) => provokes(settings) && has('historian')(settings),
  'history-keeps-frontier': has('historian'),
  'history-keeps-start': has('historian'),
  'history-reads-before': has('historian'),
  'rebuild-asserts-branch': rebuilds,
  'rebuild-asserts-main': rebuilds,
  'rebuild-carries-requests': rebuilds,
  'rebuild-counts-rows': rebuilds,
  'rebuild-has-what-main-has': rebuilds,
  'retention-keeps-young': retires,
  'retention-tells-deleted': retires,
  'retention-misses-kept': retires,
}

/** Those of `seeds` whose worlds can tell a program without the guard from one with it, by what is drawn for them. */
export function seedsThatReach(guard: string, seeds: readonly number[]): readonly number[] {
  const reaches = worldsOf[guard]
  if (reaches === undefined) return seeds
  return seeds.filter((seed) => reaches(drawSettings(seededRandom(seed).fork(), virtualClock().now())))
}
