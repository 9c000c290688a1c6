/**
 * Compressed bytes that can not be inflated within the bound: damaged, or too large. It stays inside `formats/kafka`:
 * `decodeRecords` turns it into a Fault, which knows the place.
 */
export class CodecError extends Error {
  override readonly name = 'CodecError'
}
