/** Control characters, line separators, what can not be seen, and the marks that turn the direction of text: a terminal could do or show anything. */
const unsafe = /[\p{Cc}\u2028\u2029\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu

/** The text with everything that a terminal would act upon written as `\u001b`. */
export function printable(text: string): string {
  return text.replaceAll(unsafe, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`)
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u

/** How many columns of a terminal the text takes: East Asian characters and emoji take two, combining marks none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue
    width += wide.test(character) ? 2 : 1
  }
  return width
}
