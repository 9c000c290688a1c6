import { loadDocuments } from '../spec/load.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { readDocumentText } from './documents.ts'

/** A file of documents that is looked at again and again. */
export interface FollowedFile {
  /** The documents as they stand there now; null where nothing was changed since the last call. Throws a DocumentError. */
  reread(): Promise<readonly ProcessorDocument[] | null>
  /** Resolves when SIGHUP asks to look at once. */
  asked(): Promise<void>
  /** Gives the signal back. */
  release(): void
}

/**
 * Follows a file of documents, which said `known` when it was read first. What counts is what it says: a link that now leads to another
 * file (Kubernetes' ConfigMaps) is a change, and a touch is none. A change counts once it was seen twice, since a file may be read while
 * it is written; after SIGHUP it does at once. Each change is told once, whether it can be read or not.
 */
export function followFile(file: string, known: string): FollowedFile {
  let [taken, seen] = [known, known]
  let isAsked = false
  let request = Promise.withResolvers<void>()
  const listener = () => {
    isAsked = true
    request.resolve()
  }
  process.on('SIGHUP', listener)
  return {
    async reread() {
      const atOnce = isAsked
      isAsked = false
      request = Promise.withResolvers<void>()
      const [is, documents] = await readDocumentText(file).then(
        (text) => [text, () => loadDocuments(text, file, process.env)] as const,
        (error: Error) => [error.message, () => Promise.reject(error)] as const,
      )
      const isSettled = is === seen || atOnce
      seen = is
      if (is === taken || !isSettled) return null
      taken = is
      return documents()
    },
    asked: () => request.promise,
    release: () => void process.off('SIGHUP', listener),
  }
}
