import { columnName } from './column-name.ts'
import { parseColumnType } from './column-type.ts'
import { httpUrl, tableName } from './forms.ts'
import { choice, flag, list, nonEmptyList, object, parsed, text } from './schema-parts.ts'
import { parsePartitionTerm, parseSortTerm } from './terms.ts'
import { topicPattern } from './topic-glob.ts'
import { parseValuePath } from './value-path.ts'

const column = object({
  name: parsed("a column's name", columnName).meta({ description: "The column's name." }),
  type: parsed('a column type', parseColumnType).meta({
    description:
      "boolean, int, long, float, double, decimal(precision,scale), string, binary, uuid, date, time, timestamp, timestamptz, struct<name: type, …>, list<type> or map<type, type>, nested as you like. A struct's field that documents call otherwise: zip_code 'Zip-Code': string.",
  }),
  path: parsed('where the value stands', parseValuePath).optional().meta({
    description: "Where the value stands in a document: $.address.city or $['address']['city']. Default: under the column's name.",
  }),
  required: flag().prefault(false).meta({ description: 'Whether a value must be there.' }),
  unit: choice(['iso8601', 's', 'ms', 'us', 'ns'])
    .optional()
    .meta({ description: 'How times are written in the values. Default: iso8601.' }),
})

const kept = (name: string) => parsed("a column's name", columnName).prefault(name)
const leavable = (name: string) => parsed("a column's name, or null to leave the column out", columnName).nullable().prefault(name)

const kafkaColumns = object({
  topic: kept('kafka_topic').meta({ description: "Column for the topic's name." }),
  partition: kept('kafka_partition').meta({ description: 'Column for the partition.' }),
  offset: kept('kafka_offset').meta({ description: 'Column for the offset.' }),
  timestamp: leavable('kafka_timestamp').meta({ description: "Column for the record's timestamp; null leaves it out." }),
  key: leavable('kafka_key').meta({ description: "Column for the record's key; null leaves it out." }),
  headers: leavable('kafka_headers').meta({ description: "Column for the record's headers; null leaves it out." }),
})

const registry = object({
  url: parsed('an http or https URL', httpUrl).meta({ description: "The registry's URL." }),
  subject: text().optional().meta({ description: 'Subject of the schema. Default: as the values name it.' }),
})

const value = object({
  format: choice(['auto', 'json', 'avro', 'protobuf', 'string', 'binary'])
    .prefault('auto')
    .meta({
      description:
        'What the values are. auto: json where columns are given or a sample of the values is JSON objects, else binary. string and binary give one column, value.',
      later: ['avro', 'protobuf'],
    }),
  columns: nonEmptyList(column, 'a list of at least one column').optional().meta({
    description: 'Columns to make of the values. Default: inferred from a sample of them, and named as tables are.',
  }),
  registry: registry.optional().meta({ description: 'Schema registry.', later: true, instead: 'leave it out: the value is kept whole' }),
})

/** What may differ from topic to topic; all of it has a default. */
const settings = {
  table: parsed("a table's name", tableName).optional().meta({
    description:
      'The table. Default: the topic in lower case, with _ for every character that is not a to z, 0 to 9 or _, and t_ before a leading digit.',
  }),
  mode: choice(['append', 'upsert'])
    .prefault('append')
    .meta({ description: 'Whether each record is a row, or the newest of each key.', later: ['upsert'] }),
  key: object({
    format: choice(['binary', 'string']).prefault('binary').meta({
      description: 'What the keys are. Under string, a key that is not UTF-8 is treated as onError says.',
    }),
  })
    .prefault({})
    .meta({ description: "The records' keys." }),
  value: value.prefault({}).meta({ description: "The records' values." }),
  kafkaColumns: kafkaColumns.prefault({}).meta({ description: 'Names of the columns with the Kafka coordinates.' }),
  rescueColumn: parsed("a column's name", columnName).prefault('_rescued').meta({
    description: 'Column that keeps what the columns of a value can not hold; present where values become columns.',
  }),
  partitionBy: list(parsed('a partition term such as day(kafka_timestamp)', parsePartitionTerm), 'a list of partition terms')
    .prefault([])
    .meta({
      description:
        'What the table is partitioned by: a column, or year, month, day, hour, bucket(n, …) or truncate(width, …) of one, within structs with dots. Default: nothing.',
    }),
  sortBy: list(parsed('a sort term such as customer_id desc nulls last', parseSortTerm), 'a list of sort terms').prefault([]).meta({
    description:
      'What rows are sorted by: a column or a transform of one, then asc or desc, then nulls first or nulls last. Default: nothing, rows stand in offset order.',
  }),
  evolution: choice(['off', 'additive', 'contract'])
    .prefault('off')
    .meta({ description: "How the table's schema follows the values.", later: ['additive', 'contract'] }),
  onError: choice(['stop', 'skip', 'deadLetter'])
    .prefault('stop')
    .meta({
      description:
        'What happens when a record or a segment can not be read: its partition stops, or what is unreadable is skipped, counted and named, or put into a table of its own.',
      later: ['deadLetter'],
    }),
  compat: choice(['none', 'kafscale']).prefault('none').meta({
    description:
      "kafscale: the table layout of KafScale's Go processor: record_id, topic, partition, offset, timestamp_ms, key, value and headers, then value.columns. The key and the value stay bytes, whatever their formats say.",
  }),
}

/** What holds for a topic that no mapping names. */
export const mappingSettings = object(settings)

export const mapping = object({
  topic: parsed("a topic's name or glob", topicPattern).meta({ description: 'Name or glob of the topics that this is about.' }),
  ...settings,
})
