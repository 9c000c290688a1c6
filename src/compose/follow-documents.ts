import { DocumentError, WorkError } from '../model/failure.ts'
import type { Clock } from '../seams/clock.ts'
import type { Journal } from '../seams/journal.ts'
import { compareDocuments, documentName, type DocumentChange } from '../spec/document-changes.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import type { ServedDocument } from './served-document.ts'

/** Where changed documents come from. */
export interface DocumentFile {
  /** The documents as they stand there now; null where nothing was changed since the last call. Throws a DocumentError. */
  reread(): Promise<readonly ProcessorDocument[] | null>
  /** Resolves when somebody asks to look at once. */
  asked(): Promise<void>
}

/** How often the file is looked at, ms. */
const lookMs = 2000

/** Goes over to what is changed in the file, as far as that is possible without a restart, until `signal` aborts. Says what became of each change. */
export async function followDocuments(
  served: readonly ServedDocument[],
  file: DocumentFile,
  { clock, journal }: { readonly clock: Clock; readonly journal: Journal },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await lookAgain(file, clock, signal)
    if (signal.aborted) return
    try {
      const found = await file.reread()
      if (found !== null) await takeOver(served, found, journal)
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error
      journal.error('the changed document is refused, and the old one goes on', { error })
    }
  }
}

async function lookAgain(file: DocumentFile, clock: Clock, signal: AbortSignal): Promise<void> {
  const rouse = new AbortController()
  await Promise.race([clock.sleep(lookMs, AbortSignal.any([signal, rouse.signal])), file.asked()])
  rouse.abort()
}

async function takeOver(served: readonly ServedDocument[], found: readonly ProcessorDocument[], journal: Journal): Promise<void> {
  const { changed, added, removed } = compareDocuments(
    served.map(({ document }) => document),
    found,
  )
  if (added.length + removed.length > 0) journal.warn('documents were added or taken out: that needs a restart', { added, removed })
  for (const { name, document, changes } of changed) {
    const [restart, live] = [pathsOf(changes, 'restart'), pathsOf(changes, 'live')]
    if (restart.length > 0) {
      journal.warn('the changed document needs a restart: nothing of it counts before', { document: name, restart, waiting: live })
      continue
    }
    try {
      await served.find((one) => documentName(one.document) === name)?.replace(document)
      journal.info('the changed document counts from now on', { document: name, live })
    } catch (error) {
      if (!(error instanceof DocumentError) && !(error instanceof WorkError)) throw error
      journal.error('the changed document is refused, and the old one goes on', { document: name, changes: live, error })
    }
  }
  if (changed.length + added.length + removed.length === 0) journal.info('the file of documents was changed, and says the same as before')
}

function pathsOf(changes: readonly DocumentChange[], effect: DocumentChange['effect']): string[] {
  return changes.filter((change) => change.effect === effect).map(({ path }) => path)
}
