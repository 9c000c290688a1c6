import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/drivers/entropy/seeded.ts'
import { failuresOf, faultKinds, requestFaults } from '../chaos/faults.ts'
import { unreliable } from '../chaos/unreliable.ts'

test('a run of chaos refuses arguments that it does not understand', () => {
  for (const args of [
    ['--seconds', 'many'],
    ['--seconds', '0'],
    ['--seed', '-1'],
    ['--minutes', '1'],
  ])
    expect(spawnSync(process.execPath, [join(import.meta.dirname, '../chaos/run.ts'), ...args]).status, args.join(' ')).toBe(2)
}, 60_000)

test('each role is killed and stands still, and Redis is only disturbed where it is used', () => {
  expect(faultKinds(['worker', 'planner'], true)).toEqual(
    expect.arrayContaining(['kill worker', 'stop and continue planner', 'redis flushed', 'redis restarted', 'disk full', 's3 cut']),
  )
  expect(faultKinds(['run'], false)).not.toContain('redis flushed')
})

test('every way to spoil a request is met by a client as an error, a delay or another status', async () => {
  const server = createServer((_, response) => response.end('x'.repeat(1000))).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  const proxy = await unreliable(`http://127.0.0.1:${port}`, seededRandom(1))
  for (const fault of requestFaults) {
    proxy.fault = fault
    const before = proxy.struck
    while (proxy.struck === before) {
      const startedMs = performance.now()
      const met = await fetch(proxy.url, { method: 'POST', body: 'y' })
        .then(async (answer) => ((await answer.text()).length === 1000 ? 'whole' : String(answer.status)))
        .catch(() => 'error')
      if (proxy.struck === before) expect(met).toBe('whole')
      else if (fault === 'delayed') expect(performance.now() - startedMs).toBeGreaterThan(450)
      else expect(met).toBe(/^\d+$/.test(fault) ? fault : 'error')
    }
  }
  proxy.fault = null
  await proxy.close()
  server.close()
}, 60_000)

test('a run fails where something is broken, a kind of fault was never injected, or nothing was committed', () => {
  const well = { faults: new Map([['disk full', 2]]), commits: 3, rowsChecked: 9, problems: [] }
  expect(failuresOf(well)).toEqual([])
  expect(failuresOf({ ...well, faults: new Map([...well.faults, ['redis flushed', 0], ['s3 cut', 0]]) })).toEqual([
    'never injected: redis flushed, s3 cut',
  ])
  expect(failuresOf({ ...well, problems: ['orders/0@3 is missing'] })).toEqual(['broken: orders/0@3 is missing'])
  for (const nothing of [{ commits: 0 }, { rowsChecked: 0 }]) expect(failuresOf({ ...well, ...nothing })).toEqual(['nothing was committed'])
})
