/** Below this, the garbage collector finds what is left soon enough. */
const worthwhileBytes = 1024 * 1024

/**
 * Gives the memory of bytes back at once that nobody reads any more, where they fill a buffer of their own: a garbage collector would
 * come for it much later, since what it keeps count of are objects.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  if (byteLength >= worthwhileBytes && buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
