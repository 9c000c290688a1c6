import { partitionPrefix } from '../formats/kfs/segment-key.ts'
import { DocumentError } from '../model/failure.ts'
import type { ObjectStore } from '../seams/object-store.ts'
import type { ProcessorDocument } from '../spec/document.ts'
import { type Command, fileOption, jsonOption } from './command.ts'
import { readDocuments } from './documents.ts'
import type { S3Options } from './inspect/target.ts'

interface InspectOptions extends S3Options {
  readonly file?: string
  readonly topic?: string
  readonly partition?: number
  readonly records?: boolean
  readonly limit?: number
  readonly deep?: boolean
  readonly json?: boolean
}

/** What is to be looked at, with its store open. */
interface Opened {
  readonly store: ObjectStore
  readonly kind: 'object' | 'prefix'
  readonly key: string
  readonly name: string
  /** Where keys begin: `s3://bucket`, or a directory. */
  readonly storeName: string
}

const defaultLimit = 20

/** `inspect`: what the source's bytes say, without any table. */
export const inspectCommand: Command<InspectOptions> = {
  description:
    'Looks into a segment (.kfs) or an index, or at everything under a prefix: a partition, a topic, a whole bucket.\n\nOf a segment it shows header, footer, batches, CRCs, gaps and faults; of a prefix, each topic-partition. Exits 1 where bytes are damaged.',
  argument: { name: 'target', description: 'a file, a directory, or s3://bucket/key-or-prefix' },
  options: [
    { flags: '--records', description: "list a segment's records" },
    { flags: '--limit <count>', description: `records to list at most (default: ${defaultLimit})`, parse: wholeNumber('--limit', 1) },
    { flags: '--deep', description: 'read every segment under a prefix: records, codecs, gaps, overlaps, faults' },
    { flags: '--endpoint <url>', description: 'where an S3-compatible server is, if it is not AWS' },
    { flags: '--region <name>', description: 'region of the bucket (default: AWS_REGION)' },
    { flags: '--path-style', description: 'put the bucket into the path and not into the host name' },
    { ...fileOption, description: "look at a document's source instead of a target", required: false },
    { flags: '--topic <name>', description: "with -f: the topic to look at (default: all that is under the source's prefix)" },
    { flags: '--partition <number>', description: 'with --topic: the partition', parse: wholeNumber('--partition', 0) },
    jsonOption,
  ],
  examples: [
    ['inspect segment-00000000000000000000.kfs --records', 'Look into a segment:'],
    ['inspect s3://kafscale-data/default/orders/ --deep', 'Read all segments of a topic:'],
    ['inspect -f spec.yaml --topic orders --partition 3', "Look at a partition of a document's source:"],
  ],
  async run({ argument, options }, terminal) {
    const target = await open(argument, options)
    const json = options.json ?? false
    try {
      if (target.kind === 'prefix') {
        if (options.records === true) throw new DocumentError('--records lists the records of one segment, and the target is a prefix')
        const { inspectPrefix } = await import('./inspect/prefix.ts')
        return await inspectPrefix(
          target.store,
          { name: target.name, prefix: target.key, store: target.storeName },
          { deep: options.deep ?? false, json },
          terminal,
        )
      }
      if (options.limit !== undefined && options.records !== true) throw new DocumentError('--limit goes with --records')
      if (options.deep === true) throw new DocumentError('--deep reads the segments under a prefix, and the target is one object')
      const { inspectObject } = await import('./inspect/object.ts')
      const listed = options.records === true ? (options.limit ?? defaultLimit) : 0
      return await inspectObject(target.store, target.key, target.name, { listed, json }, terminal)
    } finally {
      await target.store.close()
    }
  },
}

async function open(argument: string | undefined, options: InspectOptions): Promise<Opened> {
  const { file, topic, partition, endpoint, region, pathStyle } = options
  if ((argument === undefined) === (file === undefined)) {
    throw new DocumentError(
      `expected a target or -f, found ${file === undefined ? 'neither' : 'both'}; see: iceberg-processor inspect --help`,
    )
  }
  if (topic !== undefined && file === undefined) throw new DocumentError('--topic goes with -f; a target names its topic itself')
  if (partition !== undefined && topic === undefined) throw new DocumentError('--partition goes with --topic')
  if (argument !== undefined) {
    const [{ openPlace }, { readTarget }] = await Promise.all([import('../compose/stores.ts'), import('./inspect/target.ts')])
    const { place, kind, key, name } = await readTarget(argument, { endpoint, region, pathStyle })
    return { store: await openPlace(place), kind, key, name, storeName: 'bucket' in place ? `s3://${place.bucket}` : place.directory }
  }
  const { documents } = await readDocuments(file!)
  const document = await chosen(documents, topic)
  const { s3, directory } = document.spec.source
  const prefix = s3?.prefix ?? ''
  const key = topic === undefined ? prefix : partition === undefined ? `${prefix}${topic}/` : partitionPrefix(prefix, { topic, partition })
  const { openDocumentSource } = await import('../compose/stores.ts')
  const storeName = s3 === undefined ? directory!.replace(/(?<=.)\/+$/, '') : `s3://${s3.bucket}`
  return { store: await openDocumentSource(document), kind: 'prefix', key, name: `${storeName}/${key}`, storeName }
}

/** The only document, or the only one that has the topic. */
async function chosen(documents: readonly ProcessorDocument[], topic: string | undefined): Promise<ProcessorDocument> {
  if (documents.length === 1) return documents[0]
  const { matchTopics } = await import('../spec/topic-glob.ts')
  const fitting = topic === undefined ? documents : documents.filter(({ spec }) => matchTopics(spec.source.topics, [topic]).length > 0)
  if (fitting.length === 1) return fitting[0]
  const which = topic === undefined ? '' : ` with topic ${topic}`
  throw new DocumentError(`expected a file with one document${which}, found ${fitting.length}`)
}

/** Partitions are int32, and no one reads more records than that. */
const highest = 0x7fffffff

function wholeNumber(option: string, low: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : -1
    if (value < low || value > highest) throw new DocumentError(`expected a whole number from ${low} to ${highest} after ${option}`)
    return value
  }
}
