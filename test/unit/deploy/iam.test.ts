import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { glueGrants, s3TablesGrants } from '../../../src/drivers/catalog/grants.ts'
import { deploy } from './manifests.ts'

interface Statement {
  readonly Effect: string
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } }
}

function statements(file: string): readonly Statement[] {
  return (JSON.parse(readFileSync(join(deploy, 'iam', file), 'utf8')) as { Statement: readonly Statement[] }).Statement
}

function actions(file: string): string[] {
  return statements(file)
    .flatMap(({ Action }) => Action)
    .sort()
}

test('each policy has the actions that the README says, and no other', () => {
  const rows = readFileSync(join(deploy, 'README.md'), 'utf8').matchAll(/^\| [^|]+ \| `(s3:\w+)` \| ([^|]+) \| ([^|]+) \|/gm)
  const said = Array.from(rows, ([, action, source, sink]) => ({ action, source, sink }))
  expect(said.length).toBeGreaterThan(3)
  const where = (column: 'source' | 'sink', words: RegExp) =>
    said
      .filter((row) => words.test(row[column]))
      .map(({ action }) => action)
      .sort()
  expect(actions('source.json')).toEqual(where('source', /^(yes|prefix only)$/))
  expect(actions('sink.json')).toEqual(where('sink', /^(yes|prefix only)$/))
  for (const name of ['sink-sql', 'sink-upkeep']) expect(actions(`${name}.json`)).toEqual(where('sink', new RegExp(name)))
})

test('segments can be neither written nor deleted, and nothing is allowed everywhere', () => {
  expect(actions('source.json')).toEqual(['s3:GetObject', 's3:ListBucket'])
  for (const file of ['source.json', 'sink.json', 'sink-sql.json', 'sink-upkeep.json']) {
    for (const { Effect, Resource, Action, Condition } of statements(file)) {
      expect(Effect).toBe('Allow')
      expect(Action).not.toContain('*')
      expect(Resource).toMatch(/^arn:aws:s3:::[a-z-]+(\/[a-z]+\/.*\*)?$/)
      if (Action === 's3:ListBucket') expect(Condition?.StringLike['s3:prefix']).toHaveLength(1)
    }
  }
})

test.each([
  ['catalog-glue.json', glueGrants],
  ['catalog-s3tables.json', s3TablesGrants],
])('%s has the actions that doctor names, save that to drop a table', (file, { byRight }) => {
  const { drop, ...rights } = byRight
  const named = Object.values(rights)
    .flat()
    .flatMap((grant) => grant.match(/\b(glue|s3tables):\w+/g) ?? [])
  expect([...new Set(actions(file))]).toEqual([...new Set(named)].sort())
  expect(drop.join()).toContain(':DeleteTable')
  for (const { Effect, Resource } of statements(file)) {
    expect(Effect).toBe('Allow')
    for (const one of [Resource].flat()) expect(one).toMatch(/^arn:aws:(glue|s3tables):eu-central-1:111122223333:/)
  }
})
