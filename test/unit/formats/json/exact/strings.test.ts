import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfString, textOfString, utf8Text } from '../../../../../src/formats/json/exact/strings.ts'
import { anyString } from '../json-texts.ts'

test('a string says what JSON.parse says of it, wherever it stands', () => {
  fc.assert(
    fc.property(anyString, fc.string(), (string, before) => {
      const bytes = Buffer.from(`${before}${string}"`)
      const start = Buffer.byteLength(before)
      expect(textOfString(bytes, start, bytes.length - 1)).toBe(JSON.parse(string))
    }),
  )
})

test('its bytes are the UTF-8 of what it says, unless half a surrogate pair stands in it', () => {
  fc.assert(
    fc.property(anyString, (string) => {
      const text = JSON.parse(string) as string
      const bytes = bytesOfString(Buffer.from(string), 0, Buffer.byteLength(string))
      if (text.isWellFormed()) expect(Buffer.from(bytes!).toString()).toBe(text)
      else expect(bytes).toBeNull()
    }),
  )
})

test.each(['', 'a', 'sixteen letters.', 'seventeen letters', 'é', '\ufeffa', 'fifteen lettersé', '😀😀😀😀😀'])(
  '%j is read as UTF-8',
  (text) => {
    const bytes = Buffer.from(`é${text}é`)
    expect(utf8Text(new Uint8Array(bytes), 2, bytes.length - 2)).toBe(text)
  },
)
