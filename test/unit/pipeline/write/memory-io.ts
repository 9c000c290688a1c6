import type { FileIO } from '../../../../src/seams/file-io.ts'

/** Files by URI, in memory. Chunks are copied as they come, as a store would. */
export function memoryIo(): { readonly io: FileIO; readonly files: ReadonlyMap<string, Buffer> } {
  const files = new Map<string, Buffer>()
  const io: FileIO = {
    write: async (uri, chunks) => {
      const parts: Uint8Array[] = []
      for await (const chunk of chunks) parts.push(chunk.slice())
      files.set(uri, Buffer.concat(parts))
      return files.get(uri)!.length
    },
    read: async (uri) => files.get(uri)!,
    remove: async () => {},
  }
  return { io, files }
}
