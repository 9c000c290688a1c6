import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'expire-'))
afterAll(() => rmSync(scratch, { recursive: true }))

test('snapshots that the document lets go are shown by a dry run, then expired with their manifest lists, and the table is whole', async () => {
  const cwd = mkdtempSync(join(scratch, 'in-'))
  cpSync(join(golden, 'g-edge'), join(cwd, 'segments', 'g-edge'), { recursive: true })
  const head = 'apiVersion: kafscale.io/v1\nkind: IcebergProcessor\nmetadata: {name: local}\n'
  const expiry = '  maintenance: {expiry: {maxAgeHours: 0.0000001, minSnapshots: 1}}\n'
  writeFileSync(join(cwd, 'spec.yaml'), `${head}spec:\n  source: {topics: [g-edge], directory: segments, graceSeconds: 0}\n${expiry}`)
  expect(await program(['expire', '-f', 'spec.yaml'], { cwd })).toEqual({ code: 0, stdout: 'There is no table yet.\n', stderr: '' })
  await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  await program(['pause', '-f', 'spec.yaml'], { cwd })
  const metadata = join(cwd, 'warehouse/default/g_edge/metadata')
  const lists = () => readdirSync(metadata).filter((name) => name.startsWith('snap-')).length
  expect(lists()).toBe(2)

  const dry = await program(['expire', '-f', 'spec.yaml', '--dry-run', 'g_edge'], { cwd })
  expect(dry.stdout).toBe(
    'default.g_edge: 1 snapshot would be expired, 1 kept; 1 manifest file would be removed (0 B, manifest lists aside), in 1 commit, with 7 GETs, 1 PUT and 1 DELETE; less than 0.01 USD\n',
  )
  writeFileSync(join(cwd, 'dear.json'), '{"getsPerThousand": 1000, "currency": "EUR"}')
  const priced = await program(['expire', '-f', 'spec.yaml', '--dry-run', '--prices', 'dear.json', '--json'], { cwd })
  expect(JSON.parse(priced.stdout)).toMatchObject({
    tables: [{ done: { money: { currency: 'EUR', total: expect.closeTo(7, 3) as number, compute: 0 } } }],
  })
  expect(lists()).toBe(2)
  const done = await program(['expire', '-f', 'spec.yaml', '--json'], { cwd })
  expect(JSON.parse(done.stdout)).toMatchObject({
    ok: true,
    dryRun: false,
    tables: [{ table: 'default.g_edge', problem: null, done: { kept: 1, left: 0, files: { data: 0, manifest: 0, manifestList: 1 } } }],
  })
  expect(lists()).toBe(1)
  expect((await program(['expire', '-f', 'spec.yaml'], { cwd })).stdout).toBe('default.g_edge: nothing to expire, 1 snapshot kept\n')
  expect((await program(['verify', '-f', 'spec.yaml'], { cwd })).code).toBe(0)
  expect(await program(['expire', '-f', 'spec.yaml', 'orders'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('the documents have no table orders') as string,
  })
}, 120_000)
