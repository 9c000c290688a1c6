import { columnName } from './column-name.ts'
import { listenAddress, nodeAddress, redisUrl } from './forms.ts'
import { parseTime } from './iso-time.ts'
import { flag, list, nonEmptyList, object, parsed, positive, secret, text, wholeNumber } from './schema-parts.ts'
import { topicPattern } from './topic-glob.ts'

/** A year, in hours: no age here is meant to be longer than ten of them. */
const hoursOfAYear = 8_784

export const processing = object({
  parallelism: wholeNumber(1, 10_000)
    .prefault(4)
    .meta({ description: 'Tasks at once for this document, over the whole fleet; each of its processes takes two for each core at most.' }),
  commitIntervalSeconds: positive({ high: 86_400 }).prefault(60).meta({ description: 'Time between two commits to a table.' }),
  targetFileSizeBytes: wholeNumber(1_048_576).prefault(134_217_728).meta({ description: 'Size that data files grow to.' }),
  memoryLimitBytes: wholeNumber(134_217_728)
    .prefault(1_073_741_824)
    .meta({ description: 'Memory that one process may use. Files are rewritten where it is 416 MiB or more.' }),
})

const node = () => parsed('host:port', nodeAddress)

export const queue = object({
  redis: secret(redisUrl)
    .optional()
    .meta({ description: 'URL of a Redis server (redis:// or rediss://), which may hold user, password and number of the database.' }),
  username: text().optional().meta({ description: 'User (ACL), where the URL has none.' }),
  password: secret().optional().meta({ description: 'Password of the user, or of the server, where the URL has none.' }),
  sentinel: object({
    name: text("a master's name").meta({ description: 'The name of the master that the Sentinels watch.' }),
    nodes: nonEmptyList(node(), 'a list of at least one host:port').meta({ description: 'The Sentinels.' }),
    username: text().optional().meta({ description: 'User for the Sentinels.' }),
    password: secret().optional().meta({ description: 'Password for the Sentinels.' }),
  })
    .optional()
    .meta({ description: 'Redis behind Sentinels. Instead of redis.' }),
  cluster: object({
    nodes: nonEmptyList(node(), 'a list of at least one host:port').meta({
      description: 'Some nodes of the cluster; the others are found.',
    }),
  })
    .optional()
    .meta({ description: 'A Redis Cluster. Instead of redis.' }),
  tls: object({
    ca: text('the path of a file')
      .optional()
      .meta({ description: 'File with the certificates to trust (PEM). Default: the well-known ones.' }),
    cert: text('the path of a file').optional().meta({ description: "File with the client's certificate (PEM)." }),
    key: text('the path of a file').optional().meta({ description: "File with the certificate's key (PEM)." }),
  })
    .optional()
    .meta({ description: 'TLS; rediss:// in the URL means it too.' }),
}).meta({
  restart: true,
  description: 'The queue in Redis that several processes share. Default: a queue within the process.',
})

const hours = () => positive({ high: 10 * hoursOfAYear }).optional()

export const maintenance = object({
  compaction: object({
    enabled: flag().optional().meta({
      description: 'Whether the service rewrites small files, and those with many deletes. Default: of tables that this program made.',
    }),
    bytesPerHour: wholeNumber(1).optional().meta({ description: 'Bytes of a table to rewrite in an hour at most. Default: 16 GiB.' }),
    quietMinutes: positive({ orZero: true, high: 525_600 })
      .optional()
      .meta({ description: 'Age from which on files are rewritten. Default: 10.' }),
  })
    .optional()
    .meta({ description: 'Rewriting of small files.' }),
  expiry: object({
    enabled: flag().optional().meta({
      description: 'Whether old snapshots are expired, with their files. Default: of tables that this program made.',
    }),
    maxAgeHours: hours().meta({
      description: "Age from which on snapshots are expired. Default: the table's history.expire.max-snapshot-age-ms, else 72.",
    }),
    minSnapshots: wholeNumber(1)
      .optional()
      .meta({ description: "Snapshots to keep whatever their age. Default: the table's history.expire.min-snapshots-to-keep, else 20." }),
    maxSnapshots: wholeNumber(1).optional().meta({ description: 'Snapshots from which on older ones are thinned out. Default: 150.' }),
  })
    .optional()
    .meta({ description: 'Expiry of old snapshots.' }),
  orphans: object({
    enabled: flag().prefault(false).meta({ description: 'Whether the service removes files that no snapshot names, once a day.' }),
    olderThanHours: positive({ high: 10 * hoursOfAYear })
      .refine((age) => age >= 24, { error: 'a number of at least 24' })
      .prefault(72)
      .meta({ description: 'Age from which on such files are removed, 24 at least.' }),
  })
    .optional()
    .meta({ description: 'Removal of orphan files.' }),
  retention: object({
    by: parsed("a column's name", columnName).meta({ description: 'Column with the time that counts, a date or a timestamp.' }),
    days: wholeNumber(1).meta({ description: 'Age in days from which on rows are deleted, by whole days in UTC.' }),
  })
    .optional()
    .meta({ description: 'Deletion of old rows. Default: rows stay.' }),
}).meta({ description: 'Upkeep of the tables.' })

export const backfill = list(
  object({
    topic: parsed("a topic's name or glob", topicPattern).meta({ description: 'Name or glob of the topics.' }),
    from: parsed('an ISO time', parseTime).optional().meta({ description: 'The first time that is wanted. Default: the beginning.' }),
    to: parsed('an ISO time', parseTime).optional().meta({ description: 'The first time that is no longer wanted. Default: the end.' }),
  }),
  'a list of topics and times',
).meta({ description: 'History to materialize beside the tail, where that began later (startAt).' })

export const metrics = object({
  address: parsed('an address to listen on', listenAddress)
    .optional()
    .meta({ description: 'Where metrics, health, readiness and a status page are served, such as ":9093".' }),
}).meta({ description: 'Metrics for Prometheus, and probes. Default: none.', restart: true })
