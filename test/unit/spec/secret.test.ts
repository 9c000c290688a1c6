import * as fc from 'fast-check'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { loadDocuments } from '../../../src/spec/load.ts'
import { pathText } from '../../../src/spec/path.ts'
import { Secret, secretsIn } from '../../../src/spec/secret.ts'
import { errorOf, everyKey, exampleEnvironment, load } from './documents.ts'
import type { Plain } from './documents.ts'

const directory = mkdtempSync(join(tmpdir(), 'secret-'))
afterAll(() => rmSync(directory, { recursive: true }))

/** What is said when the token in a file is asked for. */
function complaint(file: string): string {
  const document = everyKey()
  document.spec.sink.catalog.token = { file }
  const { token } = load(document, exampleEnvironment).spec.sink.catalog
  return errorOf(() => token!.reveal()).message
}

describe('a secret', () => {
  test('is revealed by reveal alone', () => {
    const secret = new Secret('hunter2')
    expect(secret.reveal()).toBe('hunter2')
    const shown = [
      String(secret),
      secret.toString(),
      JSON.stringify({ secret }),
      inspect(secret, { showHidden: true }),
      inspect({ a: [secret] }),
    ]
    expect(shown).toEqual(['***', '***', '{"secret":"***"}', '***', '{ a: [ *** ] }'])
    expect(Object.keys(secret)).toEqual([])
    expect(JSON.stringify(structuredClone({ secret }))).toBe('{"secret":{}}')
  })

  test('in a file is read again when the file changes, without the line ends at its end', () => {
    const file = join(directory, 'changing')
    const secret = new Secret({ file })
    writeFileSync(file, 'one two \r\n')
    expect(secret.reveal()).toBe('one two ')
    writeFileSync(file, 'two one \n\n')
    expect(secret.reveal()).toBe('two one ')
    expect(inspect(secret)).toBe('***')
  })

  test('in a file that is just being replaced is what it was', () => {
    const file = join(directory, 'replaced')
    const secret = new Secret({ file })
    writeFileSync(file, 'one')
    expect(secret.reveal()).toBe('one')
    writeFileSync(file, '')
    expect(secret.reveal()).toBe('one')
    rmSync(file)
    expect(secret.reveal()).toBe('one')
    writeFileSync(file, 'two')
    expect(secret.reveal()).toBe('two')
  })

  test('knows what it has shown, before a rotation too, and reads nothing for that', () => {
    const file = join(directory, 'known')
    const secret = new Secret({ file })
    expect(secret.known).toEqual([])
    for (const value of ['one', 'one', 'two']) {
      writeFileSync(file, value)
      secret.reveal()
    }
    rmSync(file)
    expect(secret.known).toEqual(['one', 'two'])
    expect(new Secret('text').known).toEqual(['text'])
  })

  test('is compared by what is written, not by what it holds', () => {
    expect(new Secret('a').isWrittenAs(new Secret('a'))).toBe(true)
    expect(new Secret('a').isWrittenAs(new Secret('b'))).toBe(false)
    expect(new Secret({ file: 'a' }).isWrittenAs(new Secret({ file: 'a' }))).toBe(true)
    expect(new Secret({ file: 'a' }).isWrittenAs(new Secret('a'))).toBe(false)
  })

  test('that can not be read is an error which names document, path and file', () => {
    const [bad, empty, large] = ['bad', 'empty', 'large'].map((name) => join(directory, name))
    writeFileSync(bad, Buffer.from([0xff, 0xfe, 0x41]))
    writeFileSync(empty, '\n')
    writeFileSync(large, 'x'.repeat(65_537))
    const start = 'p.json: spec.sink.catalog.token: expected a file with the secret, but'
    expect(complaint(join(directory, 'none'))).toBe(`${start} ${join(directory, 'none')} does not exist`)
    expect(complaint(directory)).toBe(`${start} ${directory} can not be read (EISDIR)`)
    expect(complaint(bad)).toBe(`${start} ${bad} is not UTF-8 text`)
    expect(complaint(empty)).toBe(`${start} ${empty} is empty`)
    expect(complaint(large)).toBe(`${start} ${large} has 65537 bytes, and a secret has at most 65536`)
  })
})

const secretPaths = [
  'spec.source.s3.accessKeyId',
  'spec.source.s3.secretAccessKey',
  'spec.source.etcd.password',
  'spec.sink.catalog.token',
  'spec.sink.catalog.oauth2.clientSecret',
  'spec.sink.catalog.headers.Polaris-Realm',
  'spec.sink.storage.accessKeyId',
  'spec.sink.storage.secretAccessKey',
  'spec.queue.redis',
  'spec.queue.password',
]

test('these keys are secrets', () => {
  const found = secretsIn(load(everyKey(), exampleEnvironment)).map(({ path }) => pathText(path))
  expect(found.sort()).toEqual([...secretPaths].sort())
})

/** The mapping that holds the key at a path, and the key. */
function holder(document: Plain, path: string): [Plain, string] {
  const steps = path.split('.')
  return [steps.slice(0, -1).reduce((at, step) => at[step], document), steps.at(-1)!]
}

const planted = fc.stringMatching(/^[A-Za-z0-9+/=:@ "'{}$#*&!%-]{0,20}$/).map((text) => `planted${text}planted`)

/** All that an error shows; nothing where the text is accepted. */
function shownOf(text: string): string {
  try {
    loadDocuments(text, 'p.yaml', {})
    return ''
  } catch (error) {
    return inspect(error, { depth: 99 })
  }
}

describe('secrets never come to stand in an error or in output', () => {
  test('of a document that is accepted', () => {
    fc.assert(
      fc.property(planted, fc.boolean(), (secret, fromEnvironment) => {
        const document = everyKey()
        for (const path of secretPaths) {
          const [parent, key] = holder(document, path)
          const plain = secret.replaceAll('${', () => '$${')
          parent[key] = (path === 'spec.queue.redis' ? 'redis://localhost/?password=' : '') + (fromEnvironment ? '${PLANTED}' : plain)
        }
        const loaded = load(document, { ...exampleEnvironment, PLANTED: secret })
        expect(loaded.spec.sink.catalog.token!.reveal()).toBe(secret)
        const shown = [JSON.stringify(loaded), inspect(loaded, { depth: 99, showHidden: true }), String(loaded.spec.sink.catalog.token)]
        for (const text of shown) expect(text).not.toContain('planted')
      }),
      { numRuns: 100 },
    )
  })

  const wrongs: ((secret: string) => unknown)[] = [
    (secret) => secret,
    (secret) => [secret],
    (secret) => ({ file: [secret] }),
    (secret) => ({ value: secret }),
    (secret) => ({ file: 5, secret }),
    (secret) => [{ file: secret }],
    (secret) => ({ nested: { deeper: secret } }),
  ]
  // Above them too: what holds a secret may be given as the secret itself.
  const places = [
    ...secretPaths,
    ...secretPaths.map((path) => path.split('.').slice(0, -1).join('.')),
    'spec.sink',
    'spec.source',
    'spec.queue',
    'spec',
    'metadata',
  ]

  test('of a document that is refused, whatever stands in place of a secret or of what holds it', () => {
    fc.assert(
      fc.property(planted, fc.subarray(places, { minLength: 1 }), fc.nat(), fc.boolean(), (secret, paths, which, fromEnvironment) => {
        const document = everyKey()
        document.kind = 'Wrong'
        // Deepest first, so that nothing is planted in a text.
        for (const path of [...paths].sort((a, b) => b.split('.').length - a.split('.').length)) {
          const [parent, key] = holder(document, path)
          parent[key] = wrongs[which % wrongs.length](fromEnvironment ? '${PLANTED}' : secret)
        }
        const error = errorOf(() => load(document, { ...exampleEnvironment, PLANTED: secret }))
        const shown = [error.message, error.stack ?? '', inspect(error, { depth: 99 }), JSON.stringify(error.problems)]
        for (const text of shown) expect(text).not.toContain('planted')
      }),
      { numRuns: 300 },
    )
  })

  test('of a text that is no YAML', () => {
    fc.assert(
      fc.property(
        planted,
        fc.constantFrom('*', '&', '!', '@', '`', '%', '"', "'", '[', '{', '|', '? ', '- ', '\t', ': '),
        (secret, start) => {
          const text = `apiVersion: kafscale.io/v1\nspec:\n  sink:\n    catalog:\n      token: ${start}${secret.replaceAll(': ', '')}\n   oops\n`
          expect(shownOf(text)).not.toMatch(/planted.*planted/s)
        },
      ),
      { numRuns: 300 },
    )
  })
})
