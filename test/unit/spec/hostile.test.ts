import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DocumentError } from '../../../src/model/failure.ts'
import { loadDocuments } from '../../../src/spec/load.ts'
import { notYet } from '../../../src/spec/not-yet.ts'
import { everyKey, exampleEnvironment } from './documents.ts'
import type { Plain } from './documents.ts'

/** Every place of a document: what holds a value, and its key. */
function places(value: unknown): [Plain, string][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, item]): [Plain, string][] => [[value, key], ...places(item)])
}

/** `accepted`, or how it is refused: anything but a DocumentError with problems is a defect of ours. */
function outcome(text: string): string {
  try {
    for (const document of loadDocuments(text, 'f', exampleEnvironment)) notYet(document)
    return 'accepted'
  } catch (error) {
    return error instanceof DocumentError && error.problems.length > 0 ? 'refused' : String(error)
  }
}

const count = places(everyKey()).length
const anything = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(
    '',
    null,
    [],
    {},
    [null],
    [{}],
    { file: null },
    -1,
    0.5,
    1e300,
    '${',
    '${TASKS}',
    '*',
    'a'.repeat(10_000),
    'list<'.repeat(1000),
  ),
)

test('whatever stands at any places of a document, it is accepted or its problems are told', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(count - 1), anything), { minLength: 1, maxLength: 4 }), (changes) => {
      const document = everyKey()
      const all = places(document)
      for (const [which, value] of changes) all[which][0][all[which][1]] = value
      expect(outcome(JSON.stringify(document))).toMatch(/^(accepted|refused)$/)
    }),
    { numRuns: 300 },
  )
})

test('whatever is missing from a document, it is accepted or its problems are told', () => {
  for (let which = 0; which < count; which++) {
    const document = everyKey()
    const [holder, key] = places(document)[which]
    if (Array.isArray(holder)) holder.splice(Number(key), 1)
    else delete holder[key]
    expect(outcome(JSON.stringify(document))).toMatch(/^(accepted|refused)$/)
  }
})

test('whatever the text is, it is accepted or its problems are told', () => {
  const token = fc.constantFrom(
    'a',
    ': ',
    ':',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '"',
    "'",
    '&a ',
    '*a',
    '!x',
    '|',
    '>',
    '#',
    '---\n',
    '%',
    ',',
    '? ',
    '\t',
    '\r\n',
    '\uFEFF',
    '\u0000',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(token, { maxLength: 40 }).map((parts) => parts.join('')),
      ),
      (text) => {
        expect(outcome(text)).toBe('refused')
      },
    ),
    { numRuns: 2000 },
  )
})
