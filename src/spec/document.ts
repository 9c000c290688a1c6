import { mapping } from './document-mapping.ts'
import { sink } from './document-sink.ts'
import { source } from './document-source.ts'
import { backfill, maintenance, metrics, processing, queue } from './document-operations.ts'
import { namespaceName, resourceName } from './forms.ts'
import { anyText, choice, list, mapOf, object, parsed } from './schema-parts.ts'
import type { Parsed } from './schema-parts.ts'
import type { Secret } from './secret.ts'

const metadata = object({
  name: parsed("the processor's name", resourceName).meta({
    description: 'Names the processor in the queue, logs and metrics.',
    restart: true,
  }),
  namespace: parsed('a namespace', namespaceName).prefault('default').meta({ description: "The processor's namespace.", restart: true }),
  labels: mapOf(anyText(), 'a mapping from label names to strings').optional().meta({ description: "Kubernetes' labels; not looked at." }),
  annotations: mapOf(anyText(), 'a mapping from annotation names to strings')
    .optional()
    .meta({ description: "Kubernetes' annotations; not looked at." }),
})

const spec = object({
  source: source.meta({ description: 'Where the segments are.' }),
  sink: sink
    .prefault({})
    .meta({ description: 'Where the tables are. Default: a SQLite catalog and a warehouse in the working directory.' }),
  processing: processing.prefault({}).meta({ description: 'How the work is done.' }),
  mappings: list(mapping, 'a list of mappings')
    .prefault([])
    .meta({ description: 'What differs from the defaults for some topics. The first whose topic matches counts.' }),
  queue: queue.optional(),
  maintenance: maintenance.optional(),
  backfill: backfill.optional(),
  metrics: metrics.optional(),
})

/** The whole document, without the checks that compare one key with another. */
export const documentSchema = object({
  apiVersion: choice(['kafscale.io/v1']).meta({ description: 'Always kafscale.io/v1.' }),
  kind: choice(['IcebergProcessor']).meta({ description: 'Always IcebergProcessor.' }),
  metadata: metadata.meta({ description: 'Which processor this is.' }),
  spec: spec.meta({ description: 'What the processor does.' }),
}).meta({ title: 'IcebergProcessor', description: 'Materializes the segments of KafScale topics into Apache Iceberg tables.' })

/** A document as its schema gives it: checked, with the defaults that do not depend on other keys. */
export type CheckedDocument = DeepReadonly<Parsed<typeof documentSchema>>

type Checked<Key extends keyof CheckedDocument['spec']> = CheckedDocument['spec'][Key]

export type { StartAt } from './document-source.ts'

/** How data files are written when the catalog gives no credentials. */
export type Storage = NonNullable<Checked<'sink'>['storage']>
export type Mapping = Checked<'mappings'>[number]
export type MappingSettings = Omit<Mapping, 'topic'>

/** `endpoint` is there for every type; `warehouse` is for sql. */
export type CatalogSettings = Omit<Checked<'sink'>['catalog'], 'endpoint'> & { readonly endpoint: string }

interface Sink extends Omit<Checked<'sink'>, 'catalog' | 'storage'> {
  readonly catalog: CatalogSettings
  readonly storage: Storage
}

/** What the user asked for: checked, with every default applied. Times are `{timeMs}`, prefixes are empty or end with a slash. */
export interface ProcessorDocument extends Omit<CheckedDocument, 'spec'> {
  readonly spec: Omit<CheckedDocument['spec'], 'sink'> & { readonly sink: Sink }
}

type DeepReadonly<T> = T extends Secret ? T : T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T
