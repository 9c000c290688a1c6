import { httpUrl, bucketName, prefix } from './forms.ts'
import { choice, flag, nonEmptyList, object, parsed, positive, secret, text } from './schema-parts.ts'
import { parseTime } from './iso-time.ts'
import type { Moment } from './iso-time.ts'
import { topicPattern } from './topic-glob.ts'

/** How to reach an S3-compatible server; the same for segments and for data files. */
export const s3Access = {
  region: text("a region's name").optional().meta({ description: 'Region of the bucket. Default: as the AWS SDK finds it.' }),
  endpoint: parsed('an http or https URL', httpUrl)
    .optional()
    .meta({ description: 'URL of an S3-compatible server. Default: AWS, by the region.' }),
  pathStyle: flag()
    .prefault(false)
    .meta({ description: 'Whether the bucket stands in the path and not in the host name, as many S3-compatible servers want it.' }),
  accessKeyId: secret().optional().meta({ description: 'Access key. Default: the AWS credential chain.' }),
  secretAccessKey: secret().optional().meta({ description: 'Secret key that belongs to accessKeyId.' }),
}

const s3 = object({
  bucket: parsed("a bucket's name", bucketName).meta({ description: "The bucket's name.", restart: true }),
  prefix: parsed('a key prefix', prefix)
    .prefault('')
    .meta({ description: 'What stands before {topic}/{partition}/ in the keys, with or without a slash at its end.', restart: true }),
  ...s3Access,
  roleArn: text("a role's ARN")
    .optional()
    .meta({ description: 'Role to assume for reading the segments, with the keys given here or those of the AWS credential chain.' }),
  externalId: text().optional().meta({ description: 'External id to show when the role is assumed.' }),
})

const etcd = object({
  endpoints: nonEmptyList(parsed('an http or https URL', httpUrl), 'a list of at least one URL').meta({
    description: "URLs of etcd's members.",
  }),
  username: text().optional().meta({ description: 'User name.' }),
  password: secret().optional().meta({ description: 'Password that belongs to username.' }),
}).meta({
  description:
    "KafScale's etcd, whose high watermarks tell early that there is work. A hint: without an answer, segments are found by listing.",
})

/** Where a topic-partition with no progress begins. */
export type StartAt = 'earliest' | 'latest' | Moment

export const source = object({
  topics: nonEmptyList(parsed("a topic's name or glob", topicPattern), 'a list of at least one topic').meta({
    description: 'Names or globs (*, ?, [a-z], {this,that}) of the topics to materialize.',
  }),
  s3: s3.optional().meta({ description: 'The bucket that holds the segments. This or directory.' }),
  directory: text('the path of a directory').optional().meta({
    description: 'A directory with the same layout as the bucket, instead of s3. Relative paths start at the working directory.',
    restart: true,
  }),
  startAt: parsed('earliest, latest or an ISO time', (word): StartAt => (word === 'earliest' || word === 'latest' ? word : parseTime(word)))
    .prefault('earliest')
    .meta({
      description:
        'Where topic-partitions with no progress yet begin: earliest, latest, or an ISO time with its zone. What it resolves to is committed at once. With latest, those that appear later are read from their beginning.',
    }),
  graceSeconds: positive({ orZero: true, high: 86_400 })
    .prefault(10)
    .meta({ description: 'Age from which on the newest segment of a partition is taken, though it might still be written again.' }),
  oldMessageFormats: choice(['stop', 'convert']).prefault('stop').meta({
    description:
      'What is done with messages of the formats before version 2 (magic 0 and 1): their topic-partition stops there, or they are rows like other records. Those of version 0 have no timestamps.',
  }),
  etcd: etcd.optional(),
})
