import { createReadStream } from 'node:fs'
import type { ProcessorDocument } from '../spec/document.ts'

/** A file of documents is no longer than this, bytes. */
const longestFile = 16 * 1024 * 1024

/** Reads the documents in a file, or on standard input where that is `-`. Throws a DocumentError that says all that is wrong. */
export async function readDocuments(file: string): Promise<{ fileName: string; text: string; documents: ProcessorDocument[] }> {
  const [{ loadDocuments }, text] = await Promise.all([import('../spec/load.ts'), readDocumentText(file)])
  const fileName = nameOf(file)
  return { fileName, text, documents: loadDocuments(text, fileName, process.env) }
}

/** The text of a file of documents. Throws a DocumentError where it can not be read. */
export async function readDocumentText(file: string): Promise<string> {
  const { documentError } = await import('../spec/problems.ts')
  const refuse = (message: string): Error => documentError([{ path: '', file: nameOf(file), message }])
  try {
    return await readText(file === '-' ? process.stdin : createReadStream(file))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (error instanceof TooLong) throw refuse(`expected documents of ${longestFile} bytes at most, found more`)
    if (code === undefined) throw error
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw refuse('expected UTF-8 text, found other bytes')
    throw refuse(`expected a file with documents, but it ${reasons[code] ?? `can not be read (${code})`}`)
  }
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file
}

const reasons: Readonly<Record<string, string>> = { ENOENT: 'does not exist', EISDIR: 'is a directory', EACCES: 'may not be read' }

class TooLong extends Error {}

async function readText(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > longestFile) throw new TooLong()
    chunks.push(chunk)
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
}
