/**
 * Gives the memory back at once under what begins a buffer that nobody else has any part of. What is small is left to the garbage
 * collector: Node cuts small buffers from a shared one.
 */
export function discard({ buffer, byteOffset }: ArrayBufferView): void {
  if (byteOffset === 0 && buffer instanceof ArrayBuffer && buffer.byteLength > Buffer.poolSize) buffer.transfer(0)
}

/** Below this, the garbage collector finds what is left soon enough. */
const worthwhileBytes = 1024 * 1024

/**
 * Gives the memory of bytes back at once that nobody reads any more, where they fill a buffer of their own: a garbage collector would
 * come for it much later, since what it keeps count of are objects.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (byteLength >= worthwhileBytes && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
