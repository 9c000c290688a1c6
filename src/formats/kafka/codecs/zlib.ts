import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { CodecError } from './codec-error.ts'
import { tooLarge } from './output.ts'
import { zstdFrames } from './zstd-frames.ts'

/** Gzip (RFC 1952): one member or several in a row. Throws a CodecError. */
export function inflateGzip(bytes: Uint8Array, maxBytes: number): Uint8Array {
  return guarded(maxBytes, () => gunzipSync(bytes, options(bytes, maxBytes)))
}

/** Zstandard (RFC 8878): one frame or several, with or without a content size, skippable frames among them. Throws a CodecError. */
export function inflateZstd(bytes: Uint8Array, maxBytes: number): Uint8Array {
  // Node's decoder stops at the end of the first frame and says nothing about the bytes after it, so frames are cut here.
  const parts: Uint8Array[] = []
  let length = 0
  for (const frame of zstdFrames(bytes)) {
    const part = guarded(maxBytes, () => zstdDecompressSync(frame, options(frame, maxBytes - length)))
    length += part.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    parts.push(part)
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts)
}

function options(bytes: Uint8Array, maxBytes: number): { maxOutputLength: number; chunkSize: number } {
  // Large chunks mean few calls for a large batch; a small batch should not pay for allocating one.
  return { maxOutputLength: Math.max(1, maxBytes), chunkSize: bytes.length < 16384 ? 65536 : 262144 }
}

function guarded(maxBytes: number, inflate: () => Uint8Array): Uint8Array {
  try {
    return inflate()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    // A lack of memory is this machine's trouble and no defect of the bytes.
    if (!/^(Z_|ZSTD_error_)/.test(code) || /mem/i.test(code)) throw error
    throw new CodecError(`it is damaged (${code}: ${(error as Error).message})`)
  }
}
