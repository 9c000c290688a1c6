import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { install, installDirectory } from './servers.ts'

const file = join(import.meta.dirname, '../../deploy/compose.yaml')

/** Reads a Compose file as `docker compose` does; rejects with what is wrong by the specification's schema. */
const readCompose = (path: string) => promisify(execFile)(join(installDirectory(), 'compose-spec', 'cmd'), ['-no-interpolation', path])

test('the reference reader of Compose files takes ours, and notices what is wrong in it', { timeout: 300_000 }, async () => {
  await install('compose-spec')
  expect((await readCompose(file)).stdout).toMatch(/^services:/m)
  const directory = await mkdtemp(join(tmpdir(), 'compose-'))
  try {
    const wrong = join(directory, 'compose.yaml')
    await writeFile(wrong, (await readFile(file, 'utf8')).replace('    ports:', '    port:'))
    await expect(readCompose(wrong)).rejects.toThrow(/services\.s3\.port /)
  } finally {
    await rm(directory, { recursive: true })
  }
})
