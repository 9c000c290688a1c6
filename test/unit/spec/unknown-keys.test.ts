import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { pathText } from '../../../src/spec/path.ts'
import { errorOf, everyKey, exampleEnvironment, load } from './documents.ts'
import type { Plain } from './documents.ts'

/** Every mapping of the document whose keys are ours, by path; those whose keys the user names are left out. */
function mappings(value: unknown, path: (string | number)[] = []): { path: (string | number)[]; mapping: Plain }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => mappings(item, [...path, index]))
  if (typeof value !== 'object' || value === null) return []
  const below = Object.entries(value).flatMap(([key, item]) => mappings(item, [...path, key]))
  return ['labels', 'annotations', 'headers', 'properties'].includes(String(path.at(-1))) ? below : [{ path, mapping: value }, ...below]
}

const known = new Set(mappings(everyKey()).flatMap(({ mapping }) => Object.keys(mapping)))
const unknownKey = fc.oneof(
  fc.string({ minLength: 1, maxLength: 30 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'a.b', '\n'),
)

test('any unknown key at any place is refused, with its path', () => {
  const count = mappings(everyKey()).length
  expect(count).toBeGreaterThan(25)
  fc.assert(
    fc.property(fc.nat(count - 1), unknownKey, (which, key) => {
      fc.pre(!known.has(key) && key !== 'directory')
      const document = everyKey()
      const { path, mapping } = mappings(document)[which]
      Object.defineProperty(mapping, key, { value: 1, enumerable: true })
      const { problems } = errorOf(() => load(document, exampleEnvironment))
      const problem = problems.find((one) => one.path === pathText([...path, key]))
      expect(problem?.message).toMatch(/^unknown key; /)
      expect(problem).toMatchObject({ line: 1 })
    }),
    { numRuns: 500 },
  )
})
