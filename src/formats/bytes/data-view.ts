/** A DataView over exactly the bytes of `bytes`, whatever part of a larger buffer they are. */
export function dataViewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
