import { expect, test } from 'vitest'
import { dueUpkeep, type UpkeepFacts } from '../../../../src/pipeline/maintain/due-upkeep.ts'

const hour = 3_600_000
const expiry = { enabled: undefined, expired: 20, maxSnapshots: 200, lastMs: 0 }
const facts: UpkeepFacts = {
  ownUpkeep: undefined,
  isOurs: true,
  gcDisabled: false,
  retention: { days: undefined, problem: null, lastMs: null },
  compaction: {
    enabled: undefined,
    lack: null,
    files: 20,
    filesAtTarget: 2,
    deleteFiles: 0,
    young: null,
    bytesLeft: 1,
    postponed: 0,
    backfills: [],
    isRunning: false,
    lastMs: null,
  },
  manifests: { lastMs: null },
  expiry,
  orphans: { enabled: undefined, lastMs: null },
}
const of = (kind: string, ...asked: Parameters<typeof dueUpkeep>) => dueUpkeep(...asked).find((one) => one.kind === kind)

test.each<[string, Partial<UpkeepFacts>, Partial<UpkeepFacts['expiry']>, boolean, string]>([
  ['a tenth of what may be can go', {}, {}, true, '20 snapshots can go'],
  ['fewer wait for others', {}, { expired: 19 }, false, '19 snapshots can go, in 30 min with others'],
  ['but not for ever', {}, { expired: 1, lastMs: -hour }, true, '1 snapshot can go'],
  ['nor before the first time', {}, { expired: 1, lastMs: null }, true, '1 snapshot can go'],
  ['there is nothing', {}, { expired: 0, lastMs: null }, false, 'no snapshot is too old or too many'],
  ['nor any more', {}, { expired: 0, lastMs: -2 * hour }, false, 'no snapshot is too old or too many; some were expired 3 h ago'],
  ['the document says no', {}, { enabled: false }, false, 'off by maintenance.expiry.enabled'],
  [
    'others made the table',
    { isOurs: false },
    {},
    false,
    'the table was made by others; maintenance.expiry.enabled: true expires its snapshots',
  ],
  ['others made it and the document says yes', { isOurs: false }, { enabled: true }, true, '20 snapshots can go'],
  ['its files may be of other tables too', { gcDisabled: true }, { enabled: true }, false, 'the table says gc.enabled=false'],
  ['the catalog does it', { ownUpkeep: 'It' }, { enabled: true }, false, 'It expires snapshots by itself'],
])('expiry: %s', (_what, more, moreExpiry, due, reason) => {
  expect(of('expiry', { ...facts, ...more, expiry: { ...expiry, ...moreExpiry } }, hour / 2)).toEqual({ kind: 'expiry', due, reason })
})

test.each<[string, Partial<UpkeepFacts>, UpkeepFacts['orphans'], boolean, string]>([
  ['nobody asked', {}, { enabled: undefined, lastMs: null }, false, 'off unless maintenance.orphans.enabled is true'],
  ['somebody did', {}, { enabled: true, lastMs: null }, true, 'once a day'],
  ['it was done today', {}, { enabled: true, lastMs: 2 * hour }, false, 'done 22 h ago, once a day: again in 2 h'],
  ['it was done yesterday', {}, { enabled: true, lastMs: 0 }, true, 'once a day, done 24 h ago'],
  ['status asks', {}, { enabled: true, lastMs: undefined }, false, 'once a day; when it was last, the running service knows'],
  ['its files may be of other tables too', { gcDisabled: true }, { enabled: true, lastMs: null }, false, 'the table says gc.enabled=false'],
  ['the catalog does it', { ownUpkeep: 'It' }, { enabled: true, lastMs: null }, false, 'It removes orphans by itself'],
])('orphans: %s', (_what, more, orphans, due, reason) => {
  expect(of('orphans', { ...facts, ...more, orphans }, 24 * hour)).toEqual({ kind: 'orphans', due, reason })
})

test.each<[string, Partial<UpkeepFacts>, Partial<UpkeepFacts['compaction']>, boolean, string]>([
  ['few files', {}, {}, false, 'the manifests of fewer than 10000 files are not clustered by partition'],
  ['many files', {}, { files: 10_000 }, true, 'once a day'],
  ['nobody knows', {}, { files: null }, false, 'its snapshot does not say how many files it has'],
  ['it was done today', { manifests: { lastMs: 23 * hour } }, { files: 10_000 }, false, 'done 60 min ago, once a day: again in 23 h'],
  ['the document says no', {}, { files: 10_000, enabled: false }, false, 'off by maintenance.compaction.enabled'],
  ['the catalog does it', { ownUpkeep: 'It' }, { files: 10_000, enabled: true }, false, 'It rewrites files by itself'],
])('manifests: %s', (_what, more, moreCompaction, due, reason) => {
  const asked = { ...facts, ...more, compaction: { ...facts.compaction, ...moreCompaction } }
  expect(of('manifests', asked, 24 * hour)).toEqual({ kind: 'manifests', due, reason })
})

test.each<[string, UpkeepFacts['retention'], boolean, string]>([
  ['nobody asked', { days: undefined, problem: null, lastMs: null }, false, 'rows stay unless maintenance.retention says for how long'],
  ['somebody did', { days: 9, problem: null, lastMs: null }, true, 'once a day'],
  ['it was done today', { days: 9, problem: null, lastMs: 23 * hour }, false, 'done 60 min ago, once a day: again in 23 h'],
  ['the column is not there', { days: 9, problem: 'the table has no column a', lastMs: null }, false, 'the table has no column a'],
])('retention: %s', (_what, retention, due, reason) => {
  expect(of('retention', { ...facts, ownUpkeep: 'It', gcDisabled: true, retention }, 24 * hour)).toEqual({ kind: 'retention', due, reason })
})

test.each<[string, Partial<UpkeepFacts>, Partial<UpkeepFacts['compaction']>, boolean, string]>([
  ['files of ours may be too small', {}, {}, true, '20 data files, 2 would do at the target size'],
  ['or too large', {}, { files: 1 }, true, '1 data file, 2 would do at the target size'],
  ['few files', {}, { files: 4 }, false, '4 data files, 2 would do at the target size'],
  ['few files with deletes', {}, { files: 4, deleteFiles: 1 }, true, '4 data files with 1 delete file, 2 would do at the target size'],
  ['nobody knows', {}, { files: null }, true, 'its snapshot does not say how many files it has'],
  ['looked at lately', {}, { lastMs: hour - 60_000 }, false, '20 data files, 2 would do at the target size; looked at again in 9 min'],
  ['looked at before', {}, { lastMs: hour - 600_000 }, true, '20 data files, 2 would do at the target size'],
  [
    'some are young',
    {},
    { young: { files: 15, minutes: 10 } },
    true,
    '20 data files, 2 would do at the target size; up to 15 came in the last 10 min, and are left alone',
  ],
  [
    'nearly all are young',
    {},
    { young: { files: 16, minutes: 10 } },
    false,
    '20 data files, 2 would do at the target size; up to 16 came in the last 10 min, and are left alone',
  ],
  [
    'they are young and too large',
    {},
    { files: 1, young: { files: 1, minutes: 3 } },
    true,
    '1 data file, 2 would do at the target size; up to 1 came in the last 3 min, and are left alone',
  ],
  [
    'it was looked at lately, and more than the budget was found',
    {},
    { lastMs: hour, postponed: 7 },
    false,
    '20 data files, 2 would do at the target size; 7 wait for maintenance.compaction.bytesPerHour; looked at again in 10 min',
  ],
  [
    'a backfill is under way',
    {},
    { backfills: ['b1', 'b2'] },
    true,
    '20 data files, 2 would do at the target size; its tasks wait for those of backfill b1, b2',
  ],
  ['still at it beside a backfill', {}, { isRunning: true, backfills: ['b'] }, false, 'under way; its tasks wait for those of backfill b'],
  ['memory is not for it', {}, { lack: 'too little' }, false, 'processing.memoryLimitBytes: too little'],
  ['still at it', {}, { isRunning: true }, false, 'under way'],
  ['enough for an hour', {}, { bytesLeft: 0 }, false, 'what may be rewritten in an hour was: maintenance.compaction.bytesPerHour'],
  ['the document says no', {}, { enabled: false }, false, 'off by maintenance.compaction.enabled'],
  [
    'others made the table',
    { isOurs: false },
    {},
    false,
    'the table was made by others; maintenance.compaction.enabled: true rewrites its files',
  ],
  ['others made it and the document says yes', { isOurs: false }, { enabled: true }, true, '20 data files, 2 would do at the target size'],
  ['nothing is removed by it', { gcDisabled: true }, {}, true, '20 data files, 2 would do at the target size'],
  ['the catalog does it', { ownUpkeep: 'It' }, { enabled: true }, false, 'It rewrites files by itself'],
])('compaction: %s', (_what, more, moreCompaction, due, reason) => {
  const asked = { ...facts, ...more, compaction: { ...facts.compaction, ...moreCompaction } }
  expect(of('compaction', asked, hour)).toEqual({ kind: 'compaction', due, reason })
})
