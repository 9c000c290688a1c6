/**
 * Compares two keys by the bytes of their UTF-8 form, as S3 sorts a listing. JavaScript's own order differs: it compares
 * UTF-16 units, where the surrogates of U+10000 and above come before U+E000–U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Moves the surrogates D800–DFFF behind E000–FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
