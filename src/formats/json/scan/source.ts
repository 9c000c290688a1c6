import { bytesBefore, specialIn } from './words.ts'

/** What a reading function returns where the document is not as the fast scanner wants it: the exact path takes the record. */
export const giveUp = -1

/** Skipped values may nest this deep here; the exact path skips without recursion. */
const deepest = 128
const hexValue = new Int8Array(256).fill(-1)
for (let digit = 0; digit < 16; digit++) {
  hexValue[digit.toString(16).charCodeAt(0)] = digit
  hexValue[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * The document that is being scanned: `bytes[…, end)`, with at least eight readable bytes after it. Functions take a position and
 * return the one after what they read, or `giveUp`.
 */
export class Source {
  bytes = new Uint8Array(8)
  view = new DataView(this.bytes.buffer)
  end = 0
  /** All words of text that were met, or-ed: its high bits say whether anything but ASCII was. */
  high = 0

  /** Skips white space. */
  space(p: number): number {
    const { bytes } = this
    for (;;) {
      const byte = bytes[p]
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return p
      p++
    }
  }

  /** Skips a value of any kind, of which it checks the syntax. */
  skip(p: number, depth: number): number {
    switch (this.bytes[p]) {
      case 0x22:
        return this.skipString(p + 1)
      case 0x7b:
        return depth < deepest ? this.#skipObject(p + 1, depth + 1) : giveUp
      case 0x5b:
        return depth < deepest ? this.#skipArray(p + 1, depth + 1) : giveUp
      case 0x74:
        return this.view.getInt32(p, true) === 0x65757274 ? p + 4 : giveUp
      case 0x66:
        return this.view.getInt32(p + 1, true) === 0x65736c61 ? p + 5 : giveUp
      case 0x6e:
        return this.view.getInt32(p, true) === 0x6c6c756e ? p + 4 : giveUp
      default:
        return this.skipNumber(p)
    }
  }

  /** `p`: after the opening quote. Any escape that is well-formed will do, lone surrogates too. */
  skipString(p: number): number {
    const { bytes, view, end } = this
    let high = 0
    while (p < end) {
      const word = view.getInt32(p, true)
      high |= word
      const special = specialIn(word)
      if (special === 0) {
        p += 4
        continue
      }
      p += bytesBefore(special)
      const byte = bytes[p]
      if (byte === 0x22) {
        this.high |= high
        return p + 1
      }
      if (byte !== 0x5c) return giveUp
      switch (bytes[p + 1]) {
        case 0x22:
        case 0x5c:
        case 0x2f:
        case 0x62:
        case 0x66:
        case 0x6e:
        case 0x72:
        case 0x74:
          p += 2
          break
        case 0x75:
          if (this.hex(p + 2) < 0) return giveUp
          p += 6
          break
        default:
          return giveUp
      }
    }
    return giveUp
  }

  /** RFC 8259, section 6. */
  skipNumber(p: number): number {
    const { bytes } = this
    if (bytes[p] === 0x2d) p++
    if (bytes[p] === 0x30) p++
    else {
      const from = p
      p = this.#digits(p)
      if (p === from) return giveUp
    }
    if (bytes[p] === 0x2e) {
      const from = ++p
      p = this.#digits(p)
      if (p === from) return giveUp
    }
    if ((bytes[p] | 0x20) === 0x65) {
      p++
      if (bytes[p] === 0x2b || bytes[p] === 0x2d) p++
      const from = p
      p = this.#digits(p)
      if (p === from) return giveUp
    }
    return p
  }

  /** The code unit of four hexadecimal digits; negative where they are none. */
  hex(p: number): number {
    const { bytes } = this
    return (hexValue[bytes[p]] << 12) | (hexValue[bytes[p + 1]] << 8) | (hexValue[bytes[p + 2]] << 4) | hexValue[bytes[p + 3]]
  }

  #digits(p: number): number {
    const { bytes } = this
    while (bytes[p] >= 0x30 && bytes[p] <= 0x39) p++
    return p
  }

  #skipObject(p: number, depth: number): number {
    const { bytes } = this
    p = this.space(p)
    if (bytes[p] === 0x7d) return p + 1
    for (;;) {
      if (bytes[p] !== 0x22) return giveUp
      p = this.skipString(p + 1)
      if (p < 0) return giveUp
      if (bytes[p] !== 0x3a) {
        p = this.space(p)
        if (bytes[p] !== 0x3a) return giveUp
      }
      p = this.skip(this.space(p + 1), depth)
      if (p < 0) return giveUp
      p = this.space(p)
      if (bytes[p] === 0x7d) return p + 1
      if (bytes[p] !== 0x2c) return giveUp
      p = this.space(p + 1)
    }
  }

  #skipArray(p: number, depth: number): number {
    const { bytes } = this
    p = this.space(p)
    if (bytes[p] === 0x5d) return p + 1
    for (;;) {
      p = this.skip(p, depth)
      if (p < 0) return giveUp
      p = this.space(p)
      if (bytes[p] === 0x5d) return p + 1
      if (bytes[p] !== 0x2c) return giveUp
      p = this.space(p + 1)
    }
  }
}
