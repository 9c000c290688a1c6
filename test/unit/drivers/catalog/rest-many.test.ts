import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { simpleTable, appendRequirements, appendUpdates, idempotencyKey } from '../../../conformance/catalog.ts'
import { world } from './rest-world.ts'

const tables = 200
const commitsEach = 5
const connections = 8
const sockets = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length

describe('one client of the REST catalog, with 200 tables at once', () => {
  it('keeps to its connections, and after 1,000 commits holds no more than before', async () => {
    const before = sockets()
    const { catalog, server } = await world()
    await catalog.ensureNamespace(['db'])
    let most = 0
    async function feed(name: string): Promise<void> {
      const table = { namespace: ['db'], name }
      await catalog.createTable(table, simpleTable)
      for (let i = 0; i < commitsEach; i++) {
        const loaded = await catalog.loadTable(table)
        const { metadata } = loaded!
        const request = { requirements: appendRequirements(metadata), updates: appendUpdates(metadata), idempotencyKey: idempotencyKey() }
        expect((await catalog.commitTable(table, request)).kind).toBe('committed')
        // Each connection has two ends here.
        most = Math.max(most, (sockets() - before) / 2)
      }
    }
    await Promise.all(Array.from({ length: tables }, (_, i) => feed(`t${i}`)))
    const commits = server.seen.filter(({ method, path }) => method === 'POST' && /\/tables\/./.test(path))
    expect(commits).toHaveLength(tables * commitsEach)
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(connections)
    await catalog.close()
    await pause(50)
    expect(sockets()).toBe(before)
  })
})
