import { expect, test } from 'vitest'
import { type DocumentFile, followDocuments } from '../../../src/compose/follow-documents.ts'
import { type OpenedDocument, ServedDocument } from '../../../src/compose/served-document.ts'
import { virtualClock } from '../../../src/drivers/clock/virtual.ts'
import { memoryJournal } from '../../../src/drivers/journal/memory.ts'
import { DocumentError } from '../../../src/model/failure.ts'
import type { ProcessorDocument } from '../../../src/spec/document.ts'
import { load, smallest } from '../spec/documents.ts'

function documentWith(parallelism: number, database = 'default', name = 'p'): ProcessorDocument {
  return load(
    smallest((document) => {
      document.metadata.name = name
      document.spec.processing = { parallelism }
      document.spec.sink = { database }
    }),
  )
}

/** A document that is served by nothing but a list of what happened; each look at the file gives the next answer. */
async function follow(answers: readonly (ProcessorDocument[] | null | Error)[]) {
  const [clock, journal, events] = [virtualClock(), memoryJournal(), [] as string[]]
  const stop = new AbortController()
  const open = async (document: ProcessorDocument): Promise<OpenedDocument> => {
    const { parallelism } = document.spec.processing
    if (parallelism === 13) throw new DocumentError('13 can not be opened')
    events.push(`open ${parallelism}`)
    return {
      async run(signal) {
        events.push(`run ${parallelism}`)
        while (!signal.aborted) await clock.sleep(100, signal)
        events.push(`drained ${parallelism}`)
        return true
      },
      close: async () => void events.push(`close ${parallelism}`),
    }
  }
  const served = new ServedDocument(documentWith(1), open)
  const left = [...answers]
  const file: DocumentFile = {
    async reread() {
      const next = left.shift()
      if (next instanceof Error) throw next
      if (next === undefined) stop.abort()
      return next ?? null
    },
    asked: () => new Promise(() => undefined),
  }
  await clock.run(async () => {
    const running = served.run(stop.signal, new AbortController().signal)
    await followDocuments([served], file, { clock, journal }, stop.signal)
    expect(await running).toBe(true)
  })
  const lines = journal.lines.map(({ level, message, fields }): Record<string, unknown> => ({ level, message, ...fields }))
  return { events, lines }
}

test('a changed document is opened before the old one is drained, and goes on after it', async () => {
  const { events, lines } = await follow([null, [documentWith(2)], null])
  expect(events).toEqual(['open 1', 'run 1', 'open 2', 'drained 1', 'close 1', 'run 2', 'drained 2', 'close 2'])
  expect(lines).toEqual([
    { level: 'info', message: 'the changed document counts from now on', document: 'default/p', live: ['spec.processing.parallelism'] },
  ])
})

test('a document that is wrong or can not be opened is refused, and the old one goes on', async () => {
  const { events, lines } = await follow([new DocumentError('spec.processing: wrong'), [documentWith(13)], null])
  expect(events).toEqual(['open 1', 'run 1', 'drained 1', 'close 1'])
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['error', 'the changed document is refused, and the old one goes on'],
    ['error', 'the changed document is refused, and the old one goes on'],
  ])
})

test('where a key needs a restart nothing of the document counts, and every key is named', async () => {
  const { events, lines } = await follow([[documentWith(2, 'elsewhere')], null])
  expect(events).toEqual(['open 1', 'run 1', 'drained 1', 'close 1'])
  expect(lines).toEqual([
    {
      level: 'warn',
      message: 'the changed document needs a restart: nothing of it counts before',
      document: 'default/p',
      restart: ['spec.sink.database'],
      waiting: ['spec.processing.parallelism'],
    },
  ])
})

test('documents that are added or taken out wait for a restart, and the others are gone over to', async () => {
  const { events, lines } = await follow([[documentWith(2), documentWith(1, 'default', 'q')], [documentWith(1, 'default', 'q')], null])
  expect(events.filter((event) => event.startsWith('run'))).toEqual(['run 1', 'run 2'])
  expect(lines.map(({ message, added, removed }) => [message, added, removed])).toEqual([
    ['documents were added or taken out: that needs a restart', ['default/q'], []],
    ['the changed document counts from now on', undefined, undefined],
    ['documents were added or taken out: that needs a restart', ['default/q'], ['default/p']],
  ])
})

test('the second of two quick changes is what is gone over to, and the first is closed unused', async () => {
  const events: string[] = []
  const stop = new AbortController()
  const drained = Promise.withResolvers<void>()
  const served = new ServedDocument(documentWith(1), async (document) => {
    const { parallelism } = document.spec.processing
    return {
      async run(signal) {
        events.push(`run ${parallelism}`)
        if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        if (parallelism === 1) await drained.promise
        return true
      },
      close: async () => void events.push(`close ${parallelism}`),
    }
  })
  const running = served.run(stop.signal, new AbortController().signal)
  await served.replace(documentWith(2))
  await served.replace(documentWith(3))
  drained.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  stop.abort()
  expect(await running).toBe(true)
  await served.replace(documentWith(4))
  expect(events).toEqual(['run 1', 'close 2', 'close 1', 'run 3', 'close 3', 'close 4'])
})
