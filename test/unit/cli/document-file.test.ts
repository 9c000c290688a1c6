import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { type FollowedFile, followFile } from '../../../src/cli/document-file.ts'
import { smallest } from '../spec/documents.ts'

const scratch = mkdtempSync(join(tmpdir(), 'follow-'))
const following: FollowedFile[] = []
afterAll(() => {
  for (const one of following) one.release()
  rmSync(scratch, { recursive: true })
})

const textOf = (parallelism: number) => JSON.stringify(smallest(({ spec }) => (spec.processing = { parallelism })))

function follow(file: string): FollowedFile {
  const followed = followFile(file, textOf(1))
  following.push(followed)
  return followed
}

/** The parallelism of what a look finds; null where it finds nothing new. */
async function look(file: FollowedFile): Promise<number | null> {
  return (await file.reread())?.[0].spec.processing.parallelism ?? null
}

test('a change counts when it was seen twice, and once', async () => {
  const path = join(scratch, 'plain.json')
  writeFileSync(path, textOf(1))
  const file = follow(path)
  expect(await look(file)).toBe(null)
  utimesSync(path, new Date(), new Date())
  expect([await look(file), await look(file)]).toEqual([null, null])
  writeFileSync(path, textOf(2))
  expect([await look(file), await look(file), await look(file)]).toEqual([null, 2, null])
})

test('a link that leads to another directory is a change, as Kubernetes makes it', async () => {
  for (const n of [1, 2]) {
    mkdirSync(join(scratch, `..${n}`))
    writeFileSync(join(scratch, `..${n}`, 'document.json'), textOf(n))
  }
  symlinkSync('..1', join(scratch, '..data'))
  symlinkSync('..data/document.json', join(scratch, 'document.json'))
  const file = follow(join(scratch, 'document.json'))
  expect([await look(file), await look(file)]).toEqual([null, null])
  symlinkSync('..2', join(scratch, '..data_tmp'))
  renameSync(join(scratch, '..data_tmp'), join(scratch, '..data'))
  expect([await look(file), await look(file)]).toEqual([null, 2])
})

test('a file that is gone or wrong is told once, and what comes after it counts', async () => {
  const path = join(scratch, 'wrong.json')
  writeFileSync(path, textOf(1))
  const file = follow(path)
  rmSync(path)
  expect(await look(file)).toBe(null)
  await expect(file.reread()).rejects.toThrow('does not exist')
  expect(await look(file)).toBe(null)
  writeFileSync(path, textOf(0))
  expect(await look(file)).toBe(null)
  await expect(file.reread()).rejects.toThrow('spec.processing.parallelism')
  expect(await look(file)).toBe(null)
  writeFileSync(path, textOf(1))
  expect([await look(file), await look(file)]).toEqual([null, 1])
})

test('SIGHUP has the file looked at, and believed, at once', async () => {
  const path = join(scratch, 'hangup.json')
  writeFileSync(path, textOf(3))
  const file = follow(path)
  process.kill(process.pid, 'SIGHUP')
  await file.asked()
  expect(await look(file)).toBe(3)
})
