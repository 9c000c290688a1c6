/**
 * The same bytes as a Uint8Array that is nothing more. V8 compiles code for the classes that it has seen: loops over bytes that met both
 * a Buffer and an array are compiled anew, and are slower from then on.
 */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
