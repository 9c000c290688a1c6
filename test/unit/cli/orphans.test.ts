import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { golden, program } from './program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'orphans-'))
afterAll(() => rmSync(scratch, { recursive: true }))

test('orphans are shown, and removed only when that is said; the table and its documents stay', async () => {
  const cwd = mkdtempSync(join(scratch, 'in-'))
  cpSync(join(golden, 'g-edge'), join(cwd, 'segments', 'g-edge'), { recursive: true })
  const head = 'apiVersion: kafscale.io/v1\nkind: IcebergProcessor\nmetadata: {name: local}\n'
  writeFileSync(join(cwd, 'spec.yaml'), `${head}spec:\n  source: {topics: [g-edge], directory: segments, graceSeconds: 0}\n`)
  await program(['run', '-f', 'spec.yaml', '--once'], { cwd })
  const home = join(cwd, 'warehouse/default/g_edge')
  const stray = join(home, 'data/stray.parquet')
  writeFileSync(stray, 'ten bytes!')
  const all = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const longAgo = Date.now() / 1000 - 80 * 3600
  for (const { parentPath, name } of all) utimesSync(join(parentPath, name), longAgo, longAgo)

  const shown = await program(['orphans', '-f', 'spec.yaml'], { cwd })
  expect(shown).toMatchObject({ code: 0, stderr: '' })
  expect(shown.stdout).toContain(`default.g_edge: 1 orphan, 10 B, among ${all.length} files; to remove them takes 2 LISTs, `)
  expect(shown.stdout).toMatch(/ GETs and 1 DELETE; less than 0\.01 USD\n {2}file:/)
  expect(existsSync(stray)).toBe(true)
  expect(await program(['orphans', '-f', 'spec.yaml', '--dry-run'], { cwd })).toEqual(shown)
  expect((await program(['orphans', '-f', 'spec.yaml', '--dry-run', '--delete'], { cwd })).code).toBe(2)
  expect((await program(['orphans', '-f', 'spec.yaml', '--older-than', '100'], { cwd })).stdout).toContain('no orphan among')
  const removed = await program(['orphans', '-f', 'spec.yaml', 'g_edge', '--delete', '--json'], { cwd })
  expect(JSON.parse(removed.stdout)).toMatchObject({ ok: true, deleted: true, tables: [{ done: { orphans: 1, removed: 1, left: 0 } }] })
  expect(existsSync(stray)).toBe(false)
  expect(readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toHaveLength(all.length - 1)
  const manifests = await program(['rewrite-manifests', '-f', 'spec.yaml', '--dry-run'], { cwd })
  expect(manifests).toMatchObject({ code: 0, stdout: 'default.g_edge: nothing to rewrite among 1 manifest\n' })
  expect((await program(['verify', '-f', 'spec.yaml'], { cwd })).code).toBe(0)
  expect(await program(['orphans', '-f', 'spec.yaml', '--older-than', '1'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--older-than: expected 24 hours or more') as string,
  })
}, 120_000)
