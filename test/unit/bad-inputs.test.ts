import { join } from 'node:path'
import { expect, test } from 'vitest'
import { kinds } from '../bad-inputs/case.ts'
import { badInputs } from '../bad-inputs/cases.ts'
import { renderPage } from '../bad-inputs/page.ts'

const page = join(import.meta.dirname, '../../docs/bad-inputs.md')

test('every kind of bad input has cases, and no case is there twice', () => {
  expect(new Set(badInputs.map(({ kind }) => kind))).toEqual(new Set(kinds))
  expect(new Set(badInputs.map(({ kind, what }) => `${kind}: ${what}`)).size).toBe(badInputs.length)
})

test('each bad input, made for real, is answered with the message that the docs have', async () => {
  const rows = []
  for (const { kind, what, happens, message } of badInputs) rows.push({ kind, what, happens, message: await message() })
  expect(rows.filter(({ message }) => message.length < 10)).toEqual([])
  await expect(renderPage(rows)).toMatchFileSnapshot(page)
})

test('no message holds a secret, a stack or a path of this machine', async () => {
  const messages = await Promise.all(badInputs.map(async ({ message }) => message()))
  for (const message of messages) expect(message).not.toMatch(/secret|\n\s+at |\/root\/|\/home\/|\/tmp\/|undefined|\[object/)
})
