import { mkdir, mkdtemp, readFile, readdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../src/drivers/clock/system.ts'
import { systemEntropy } from '../../../../src/drivers/entropy/system.ts'
import { openDirectoryStore } from '../../../../src/drivers/store/directory.ts'
import { ObjectChanged, ObjectNotFound } from '../../../../src/seams/object-store.ts'
import type { ObjectStore } from '../../../../src/seams/object-store.ts'
import { collected, objectStoreConformance, pagesOf } from '../../../conformance/object-store.ts'

let root: string
const surroundings = { clock: systemClock, entropy: systemEntropy(systemClock) }
const opened = (): Promise<ObjectStore> => openDirectoryStore({ root, create: false }, surroundings)
const keysOf = async (store: ObjectStore, prefix = ''): Promise<string[]> =>
  (await collected(store, { prefix })).objects.map(({ key }) => key)

const conformanceRoot = join(tmpdir(), `directory-store-${process.pid}`)
objectStoreConformance('directory', () => openDirectoryStore({ root: conformanceRoot, create: true }, surroundings))

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-store-'))
})
afterEach(async () => {
  await rm(root, { recursive: true, force: true })
})
afterAll(() => rm(conformanceRoot, { recursive: true, force: true }))

describe('the root', () => {
  test('is made for a warehouse, with its parents', async () => {
    const store = await openDirectoryStore({ root: join(root, 'a/b/c'), create: true }, surroundings)
    await store.put('k', [Buffer.from('x')])
    expect(await readFile(join(root, 'a/b/c/k'), 'utf8')).toBe('x')
  })

  test('must exist for a source, and be a directory', async () => {
    await expect(openDirectoryStore({ root: join(root, 'none'), create: false }, surroundings)).rejects.toMatchObject({
      message: `directory ${root}/none does not exist`,
      retry: 'never',
    })
    await writeFile(join(root, 'file'), '')
    for (const create of [true, false]) {
      await expect(openDirectoryStore({ root: join(root, 'file'), create }, surroundings)).rejects.toMatchObject({
        name: 'WorkError',
        retry: 'never',
      })
    }
  })

  test('that goes away is an error, and not a directory without objects', async () => {
    const store = await opened()
    await rename(root, `${root}-moved`)
    await expect(pagesOf(store, { prefix: '' })).rejects.toThrow('does not exist')
    await expect(store.get('k')).rejects.toThrow(`directory ${root} does not exist`)
    await rm(`${root}-moved`, { recursive: true })
  })
})

describe('keys', () => {
  test.each(['../out', 'a/../b', '/etc/passwd', 'a//b', 'a/', '', '.', 'a/.', 'nul\0', '.tmp-x', 'a/.tmp-x/b', 'lone \ud800'])(
    '%j is refused',
    async (key) => {
      const store = await opened()
      await expect(store.put(key, [])).rejects.toMatchObject({ name: 'WorkError', retry: 'never' })
      await expect(store.get(key)).rejects.toMatchObject({ name: 'WorkError', retry: 'never' })
      expect(await readdir(root)).toEqual([])
    },
  )

  test('a listing does not leave the root either', async () => {
    const store = await opened()
    await expect(pagesOf(store, { prefix: '../' })).rejects.toThrow('not a key')
    await expect(pagesOf(store, { prefix: '/' })).rejects.toThrow('not a key')
    expect(await keysOf(store, '..')).toEqual([])
  })
})

describe('listing', () => {
  test('gives more than a thousand files in pages of a thousand, each once and in order', async () => {
    const names = Array.from({ length: 2345 }, (_, i) => `segment-${String(i * 7).padStart(20, '0')}.kfs`)
    await mkdir(join(root, 't/0'), { recursive: true })
    for (const name of names) await writeFile(join(root, 't/0', name), '')
    const store = await opened()
    const pages = await pagesOf(store, { prefix: 't/' })
    expect(pages.map(({ objects }) => objects.length)).toEqual([1000, 1000, 345])
    expect(pages.flatMap(({ objects }) => objects.map(({ key }) => key))).toEqual(names.map((name) => `t/0/${name}`))
    const [tail] = await pagesOf(store, { prefix: 't/0/', startAfter: `t/0/${names[2342]}` })
    expect(tail.objects.map(({ key }) => key)).toEqual([`t/0/${names[2343]}`, `t/0/${names[2344]}`])
  })

  test('of exactly one full page ends without an empty one', async () => {
    for (let i = 0; i < 1000; i++) await writeFile(join(root, String(i)), '')
    expect((await pagesOf(await opened(), { prefix: '' })).length).toBe(1)
  })

  test('shows neither unfinished puts nor what is no file', async () => {
    await writeFile(join(root, '.tmp-1234'), 'half')
    await writeFile(join(root, '.hidden'), '')
    execFileSync('mkfifo', [join(root, 'pipe')])
    await symlink(join(root, 'nowhere'), join(root, 'broken'))
    const store = await opened()
    expect(await keysOf(store)).toEqual(['.hidden'])
    await expect(store.get('pipe')).rejects.toBeInstanceOf(ObjectNotFound)
  })

  test('follows links to files and directories, and never in a circle', async () => {
    await mkdir(join(root, 'data/t'), { recursive: true })
    await writeFile(join(root, 'data/t/a'), 'bytes')
    await symlink(join(root, 'data/t'), join(root, 'linked'))
    await symlink(join(root, 'data/t/a'), join(root, 'one'))
    await symlink(join(root, 'data'), join(root, 'data/t/up'))
    await symlink(join(root, 'self'), join(root, 'self'))
    const store = await opened()
    expect(await keysOf(store)).toEqual(['data/t/a', 'linked/a', 'one'])
    expect(Buffer.from(await store.get('linked/a')).toString()).toBe('bytes')
    expect((await collected(store, { prefix: '', delimiter: '/' })).prefixes).toEqual(['data/', 'linked/'])
  })

  test('begins after startAfter and ends with the prefix, wherever in the tree they lie', async () => {
    for (const directory of ['a', 'b', 'c']) {
      await mkdir(join(root, directory))
      await writeFile(join(root, directory, 'k'), '')
    }
    const store = await opened()
    expect((await collected(store, { prefix: '', startAfter: 'b/' })).objects.map(({ key }) => key)).toEqual(['b/k', 'c/k'])
    expect(await keysOf(store, 'c')).toEqual(['c/k'])
  })

  test('has the slash as its only delimiter', async () => {
    await expect(pagesOf(await opened(), { prefix: '', delimiter: '-' })).rejects.toThrow('the delimiter of a listing is "/"')
  })
})

describe('ETags', () => {
  test('tell a file that was rewritten in place with as many bytes', async () => {
    const store = await opened()
    await writeFile(join(root, 'k'), 'before')
    const [page] = await pagesOf(store, { prefix: '' })
    await writeFile(join(root, 'k'), 'after!')
    await utimes(join(root, 'k'), new Date(), new Date(Date.now() + 5))
    await expect(store.get('k', { ifMatch: page.objects[0].etag })).rejects.toBeInstanceOf(ObjectChanged)
  })

  test('tell a file that was replaced by one of the same size and time', async () => {
    const store = await opened()
    const time = new Date(1_700_000_000_000)
    await writeFile(join(root, 'k'), 'before')
    await utimes(join(root, 'k'), time, time)
    const [page] = await pagesOf(store, { prefix: '' })
    await writeFile(join(root, 'other'), 'after!')
    await utimes(join(root, 'other'), time, time)
    await rename(join(root, 'other'), join(root, 'k'))
    await expect(store.get('k', { ifMatch: page.objects[0].etag })).rejects.toBeInstanceOf(ObjectChanged)
  })
})

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x')
  throw new Error('broken')
}

describe('putting', () => {
  test('leaves no temporary file, whether it succeeds or fails', async () => {
    const store = await opened()
    await store.put('a/b/c', [Buffer.from('x')])
    await expect(store.put('a/b/d', broken())).rejects.toThrow('broken')
    expect(await readdir(join(root, 'a/b'))).toEqual(['c'])
  })

  test('shows the file only when it is whole', async () => {
    const store = await opened()
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      expect(await keysOf(store)).toEqual([])
    }
    await store.put('k', chunks())
    expect(await keysOf(store)).toEqual(['k'])
  })

  test('names what stands in the way', async () => {
    const store = await opened()
    await store.put('a', [])
    await store.put('d/k', [])
    await expect(store.put('a/b', [])).rejects.toThrow(`cannot write a/b in directory ${root}: a part of the path is a file`)
    await expect(store.put('a/b', [])).rejects.toMatchObject({ retry: 'never' })
    await expect(store.put('d', [])).rejects.toMatchObject({
      message: `cannot write d in directory ${root}: there is a directory of that name (EISDIR)`,
    })
    await expect(store.put('n'.repeat(300), [])).rejects.toThrow('ENAMETOOLONG')
  })
})
