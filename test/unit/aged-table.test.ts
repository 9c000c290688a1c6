import { beforeAll, describe, expect, test } from 'vitest'
import { type AgedTable, ageTable, growth, medianCost, promises, shortHistory } from '../bench/aged-table.ts'

describe('a table after 1,010 commits', () => {
  let aged: AgedTable

  beforeAll(async () => {
    aged = await ageTable(1010, shortHistory)
  }, 120_000)

  test('the windows that are compared hold a merge of manifests each', () => {
    const merges = aged.costs.flatMap(({ manifests }, i) => (i > 0 && manifests < aged.costs[i - 1].manifests ? [i + 1] : []))
    expect(merges.filter((commit) => commit >= 51 && commit <= 150)).toHaveLength(1)
    expect(merges.filter((commit) => commit > 910).length).toBeGreaterThanOrEqual(1)
    expect(merges.length).toBeGreaterThanOrEqual(10)
  })

  test('a commit costs at most twice what it did in the beginning, in bytes and in CPU time, merges included', () => {
    const { bytes, cpu } = growth(aged.costs)
    expect(bytes).toBeLessThanOrEqual(2)
    expect(cpu).toBeLessThanOrEqual(2)
  })

  test('commit number 1,000 costs at most twice what commit number 10 did', () => {
    const [tenth, thousandth] = [medianCost(aged.costs, 5, 15), medianCost(aged.costs, 990, 1010)]
    expect(thousandth.bytesWritten + thousandth.bytesRead).toBeLessThanOrEqual(2 * (tenth.bytesWritten + tenth.bytesRead))
    expect(thousandth.cpuMs).toBeLessThanOrEqual(2 * tenth.cpuMs)
  })

  test('no commit, even one that merges, rewrites the whole table again and again', () => {
    const written = aged.costs.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0)
    const largest = Math.max(...aged.costs.map(({ bytesWritten }) => bytesWritten))
    expect(largest).toBeLessThan(written / 100)
  })

  test('every file is referenced once, and the totals count them', () => {
    const { entries, added, metadata, recordsPerFile } = aged
    const live = entries.filter(({ entry }) => entry.status !== 2)
    expect(live.map(({ entry }) => entry.dataFile.filePath).toSorted()).toEqual(added.map(({ filePath }) => filePath).toSorted())
    const current = metadata.snapshots?.find((snapshot) => snapshot['snapshot-id'] === metadata['current-snapshot-id'])
    expect(current?.summary).toMatchObject({
      'total-data-files': '1010',
      'total-records': String(1010n * recordsPerFile),
      'total-files-size': String(live.reduce((sum, { entry }) => sum + entry.dataFile.fileSizeInBytes, 0n)),
    })
  })

  test('entries keep the snapshot and the sequence numbers with which they were added, whatever manifest they stand in now', () => {
    const byPath = new Map(aged.entries.map(({ entry, manifest }) => [entry.dataFile.filePath, { entry, manifest }]))
    for (const [i, { filePath, snapshotId }] of aged.added.entries()) {
      const { entry, manifest } = byPath.get(filePath)!
      const inherited = entry.sequenceNumber ?? manifest.sequenceNumber
      expect([entry.snapshotId ?? manifest.addedSnapshotId, inherited, entry.fileSequenceNumber ?? inherited]).toEqual([
        snapshotId,
        BigInt(i + 1),
        BigInt(i + 1),
      ])
    }
    expect(aged.entries.filter(({ entry }) => entry.status === 0).length).toBeGreaterThan(900)
  })

  test('snapshots and metadata documents are as few as the table properties say', () => {
    expect(aged.metadata.snapshots).toHaveLength(10)
    expect(aged.metadata['snapshot-log']?.length).toBeLessThanOrEqual(10)
    expect(aged.metadata['metadata-log']).toHaveLength(20)
    expect(aged.metadataDocuments).toBe(21)
    // Ten lists of at most 110 manifests; nothing else is left of a thousand commits.
    expect(aged.metadataFiles).toBeLessThan(21 + 10 + 200)
  })
})

describe('a table whose files are joined every hour', () => {
  let aged: AgedTable

  beforeAll(async () => {
    aged = await ageTable(400, shortHistory, true)
  }, 120_000)

  test('has few of them, with all the rows that were brought, and says when it has too many', () => {
    const live = aged.entries.filter(({ entry }) => entry.status !== 2).map(({ entry }) => entry)
    expect(new Set(live.map(({ dataFile }) => dataFile.filePath)).size).toBe(live.length)
    expect(live.reduce((sum, { dataFile }) => sum + dataFile.recordCount, 0n)).toBe(400n * aged.recordsPerFile)
    // Three full ones; what came since the last hour; what was too young then; and what is too little to be joined again.
    expect(live.length).toBeLessThan(3 + 40 + 10 + 10)
    expect(promises(aged).map(({ kept, text }) => [text.split(':')[0], kept])).toContainEqual(['data files', false])
    const fewer = { ...aged, entries: aged.entries.slice(0, 9) }
    expect(promises(fewer).map(({ kept, text }) => [text.split(':')[0], kept])).toContainEqual(['data files', true])
  })
})
