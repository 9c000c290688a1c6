import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MetadataFiles } from '../../../../src/drivers/catalog/metadata-files.ts'

/** `file://` URIs on this machine. */
export const directoryFiles: Required<MetadataFiles> = {
  readFile: (uri) => readFile(fileURLToPath(uri)),
  async writeFile(uri, bytes) {
    await mkdir(dirname(fileURLToPath(uri)), { recursive: true })
    await writeFile(fileURLToPath(uri), bytes, { flag: 'wx' })
  },
  deleteFile: (uri) => rm(fileURLToPath(uri)),
}
