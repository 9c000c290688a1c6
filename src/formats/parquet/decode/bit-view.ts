/** Bytes behind a page that may be read past its end: numbers are read in whole words. */
export const slackBytes = 16

/** A page whose bytes can be read in words of four and eight past its end: what is behind them has no meaning. */
export interface PageBytes {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** The end of what has a meaning. */
  readonly end: number
}

/** Copies only where the buffer ends too soon. */
export function pageBytes(page: Uint8Array): PageBytes {
  const end = page.length
  let bytes = page
  if (page.buffer.byteLength - page.byteOffset < end + slackBytes) {
    bytes = new Uint8Array(end + slackBytes)
    bytes.set(page)
  }
  // Of one class always (a Buffer is another one): loops over bytes are compiled once.
  return {
    bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, end + slackBytes),
    view: new DataView(bytes.buffer, bytes.byteOffset, end + slackBytes),
    end,
  }
}
