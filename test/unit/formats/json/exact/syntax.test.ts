import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isUtf8 } from '../../../../../src/formats/bytes/utf8.ts'
import { isJson } from '../../../../../src/formats/json/exact/syntax.ts'
import { documentsOf, mutated } from '../documents.ts'
import { anyValue } from '../json-texts.ts'
import { recordShape } from '../shapes.ts'
import { type Case, invalid, undecided, valid } from './corpus.ts'

const runs = { numRuns: Number(process.env['JSON_FUZZ_RUNS'] ?? 3000) }

function isAccepted(bytes: Uint8Array): boolean {
  return isUtf8(bytes, 0, bytes.length) && isJson(bytes, 0, bytes.length)
}

/** What the engine says. */
function isParsed(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    return true
  } catch {
    return false
  }
}

function bytesOf([, text]: Case): Uint8Array {
  return typeof text === 'string' ? Buffer.from(text) : Uint8Array.from(text)
}

describe('of the cases', () => {
  test('there are many, and none stands there twice', () => {
    const all = [...valid, ...invalid, ...undecided]
    expect(all.length).toBeGreaterThan(200)
    expect(new Set(all.map(([what]) => what)).size).toBe(all.length)
    expect(new Set(all.map((one) => Buffer.from(bytesOf(one)).toString('latin1'))).size).toBe(all.length)
  })

  test.each(valid)('%s is JSON', (...one) => {
    expect([isParsed(bytesOf(one)), isAccepted(bytesOf(one))]).toEqual([true, true])
  })

  test.each(invalid)('%s is no JSON', (...one) => {
    expect([isParsed(bytesOf(one)), isAccepted(bytesOf(one))]).toEqual([false, false])
  })

  test.each(undecided)('%s is what JSON.parse takes it for', (...one) => {
    expect(isAccepted(bytesOf(one))).toBe(isParsed(bytesOf(one)))
  })

  test('each has no other verdict between bytes of its neighbours', () => {
    for (const one of [...valid, ...invalid, ...undecided].filter(([, text]) => text.length < 2000)) {
      const bytes = bytesOf(one)
      for (const [before, after] of ['[]', '"0', '{}', ',1', '9e'].map((text) => [...Buffer.from(text)])) {
        const surrounded = Uint8Array.from([before, ...bytes, after])
        const end = bytes.length + 1
        expect([one[0], isUtf8(surrounded, 1, end) && isJson(surrounded, 1, end)]).toEqual([one[0], isAccepted(bytes)])
      }
    }
  })

  test('no valid one is valid where it is cut off, unless JSON.parse says so', () => {
    for (const one of valid.filter(([, text]) => text.length < 200)) {
      const bytes = bytesOf(one)
      for (let end = 0; end < bytes.length; end++) {
        expect([one[0], end, isAccepted(bytes.subarray(0, end))]).toEqual([one[0], end, isParsed(bytes.subarray(0, end))])
      }
    }
  })
})

test('every byte in place of another is judged as JSON.parse judges it', () => {
  const text = Buffer.from('{"a\\n\\u00e9é": [-1.5e+3 , true]}')
  for (let at = 0; at < text.length; at++) {
    for (let byte = 0; byte < 256; byte++) {
      const changed = Buffer.from(text)
      changed[at] = byte
      if (isAccepted(changed) !== isParsed(changed)) expect.fail(changed.toString('latin1'))
    }
  }
})

test('texts of JSON values are JSON', () => {
  fc.assert(
    fc.property(anyValue, (text) => isAccepted(Buffer.from(text))),
    { numRuns: Math.ceil(runs.numRuns / 10) },
  )
})

test('what becomes of a document by a few changes is judged as JSON.parse judges it', () => {
  const document = fc.oneof(anyValue, recordShape.chain(documentsOf))
  fc.assert(
    fc.property(mutated(document), (bytes) => {
      if (isAccepted(bytes) !== isParsed(bytes)) expect.fail(bytes.toString('latin1'))
    }),
    runs,
  )
})

test('a million levels take no recursion', () => {
  const levels = 1_000_000
  const bytes = Buffer.alloc(2 * levels, ']').fill('[', 0, levels)
  expect(isJson(bytes, 0, bytes.length)).toBe(true)
  expect(isJson(bytes, 0, bytes.length - 1)).toBe(false)
})
