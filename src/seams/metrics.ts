/**
 * Everything that is measured, under the names that Prometheus sees after the prefix `iceberg_processor_`: base units, `_total` for what
 * only grows. Each has the label `processor` besides those named here. Labels are names of tables, topics, partitions and fixed words,
 * never keys, offsets or messages, so their number is bounded. docs/metrics.md is checked against this table.
 */
export interface Metric {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** A sentence, which Prometheus shows as HELP. */
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of a histogram's buckets, ascending. */
  readonly buckets?: readonly number[]
}

const mebibyte = 1024 * 1024

export const metrics = {
  lag_offsets: gauge(['table', 'topic', 'partition'], 'Offsets that are not in the table yet; the newest listed segment counts as one.'),
  lag_segments: gauge(['table', 'topic', 'partition'], 'Listed segments that are not in the table yet.'),
  lag_bytes: gauge(['table', 'topic', 'partition'], 'Their size.'),
  lag_seconds: gauge(['table', 'topic', 'partition'], 'Time since the oldest of them was written; 0 where there is none.'),
  oldest_unmaterialized_record_age_seconds: gauge(
    ['table'],
    'Age of the oldest record that is not in the table, from when its segment was written; 0 where there is none.',
  ),
  seconds_since_last_commit: gauge(['table'], "Time since this program's newest snapshot of the table, whichever process made it."),
  seconds_waiting_for_commit: gauge(['table'], 'Time for which segments could be read and nothing was committed; 0 where none wait.'),
  watermark_timestamp_seconds: gauge(['table'], 'Event time up to which every topic-partition has delivered, in Unix time.'),
  data_file_mean_bytes: gauge(['table'], "Mean size of the table's data files, by its newest snapshot of this program."),
  partitions: gauge(['table'], 'Topic-partitions that feed the table.'),
  partitions_stopped: gauge(['table'], 'Topic-partitions that do not go on before someone mends something.'),
  partitions_paused: gauge(['table'], 'Topic-partitions that somebody asked to wait.'),
  partitions_listed_partly: gauge(
    ['table'],
    'Topic-partitions with more segments than were listed so far: their lag is at least what is shown.',
  ),
  table_stopped: gauge(['table'], '1 while the table as a whole is stopped or can not be opened.'),
  backfill_remaining_offsets: gauge(['table'], 'Offsets that backfills which are not ended have still to bring.'),
  tasks_in_flight: gauge(['table'], 'Tasks planned and not yet finished.'),
  results_waiting: gauge(['table'], 'Finished tasks whose rows are not committed yet.'),
  queue_depth: gauge([], 'Tasks that are offered and that no worker has taken.'),
  ready: gauge([], '1 while /readyz has no reason to fail because of this document.'),

  rows_committed_total: counter(['table'], 'Rows in snapshots that this process committed.'),
  rows_rescued_total: counter(['table'], 'Records of which a value went into the rescue column.'),
  segments_committed_total: counter(['table'], 'Segments whose offsets are in snapshots that this process committed.'),
  data_files_committed_total: counter(['table'], 'Data files in snapshots that this process committed.'),
  data_file_bytes: {
    kind: 'histogram',
    help: 'Sizes of the data files that this process committed.',
    labels: ['table'],
    buckets: [0.0625, 0.25, 1, 4, 16, 64, 128, 256, 512].map((size) => size * mebibyte),
  },
  commits_total: counter(
    ['outcome'],
    'Commits by what came of them: committed, conflict, unknown, refused; found-landed: one of unknown outcome was found in the table.',
  ),
  records_read_total: counter(['table', 'kind'], 'Records by what became of them: row, control.'),
  records_skipped_total: counter(['table'], 'Offsets left out because onError says skip.'),
  records_repeated_total: counter(['table'], 'Records left out because their offset repeats inside their segment.'),
  records_transactional_total: counter(['table'], 'Records of transactional batches; they are rows like all others.'),
  gaps_total: counter(['table'], 'Ranges of offsets that the source does not have.'),
  gap_offsets_total: counter(['table'], 'Offsets in those ranges.'),
  overlaps_total: counter(['table'], 'Times that segments were read whose offsets were decided in part.'),
  overlap_records_total: counter(['table'], 'Records left out then, since their offsets were decided before.'),
  segments_rewritten_total: counter(['table'], 'Segments that were written again after they had been materialized.'),
  segments_without_index_total: counter(['table'], 'Segments that do not count, for want of an index, while later ones do.'),
  partition_stops_total: counter(['table'], 'Times that a topic-partition was stopped.'),
  upkeep_total: counter(
    ['table', 'kind', 'outcome'],
    'Upkeep by kind (retention, compaction, manifests, expiry, orphans) and what came of it: done, failed.',
  ),
  rows_retired_total: counter(['table'], 'Rows that were deleted because they were kept for as long as the document says.'),
  rewrites_total: counter(
    ['table', 'outcome'],
    'Rewrites of data files by what came of them: committed; refused, since others changed the files meanwhile.',
  ),
  snapshots_expired_total: counter(['table'], 'Snapshots that upkeep took out of the history.'),
  files_removed_total: counter(['table'], 'Files that upkeep removed because nothing named them any more.'),
  removed_bytes_total: counter(['table'], 'Their size, as far as it is known.'),
  results_refused_total: counter(['table'], 'Results that did not fit the table any more and were made again.'),
  failures_total: counter(['table', 'step'], 'Work that failed and is tried again, by step: plan, task, commit, keepAlive.'),
  tasks_total: counter(
    ['outcome'],
    'Tasks that this process carried out: completed, failed; set-aside: those given up after several tries.',
  ),
  task_duration_seconds: {
    kind: 'histogram',
    help: 'Time that tasks took which this process carried out.',
    labels: [],
    buckets: [0.1, 0.5, 1, 5, 15, 60, 300, 1800],
  },
  requests_total: counter(
    ['kind'],
    'Requests by kind: source_list (pages), source_get, warehouse_get, warehouse_put, catalog_load, catalog_create, catalog_commit.',
  ),
  request_failures_total: counter(['kind'], 'Those of them that failed. Commits of unknown outcome are in commits_total.'),
  request_bytes_total: counter(['kind'], 'Bytes that they brought or took.'),
  s3_attempts_total: counter([], 'HTTP requests to S3, each retry counted.'),
  s3_retries_total: counter([], 'Those of them that repeat one that failed.'),
} as const satisfies Record<string, Metric>

function gauge<const Labels extends readonly string[]>(labels: Labels, help: string) {
  return { kind: 'gauge', labels, help } as const
}

function counter<const Labels extends readonly string[]>(labels: Labels, help: string) {
  return { kind: 'counter', labels, help } as const
}

type MetricName = keyof typeof metrics
type NameOf<Kind> = { [Name in MetricName]: (typeof metrics)[Name]['kind'] extends Kind ? Name : never }[MetricName]
export type GaugeName = NameOf<'gauge'>
export type HistogramName = NameOf<'histogram'>

/** What is counted, under the dotted names that the program uses: the metric, and the labels that the name stands for. */
export const counters = {
  'rows.committed': of('rows_committed_total'),
  'segments.committed': of('segments_committed_total'),
  'files.committed': of('data_files_committed_total'),
  'commit.committed': of('commits_total', { outcome: 'committed' }),
  'commit.conflict': of('commits_total', { outcome: 'conflict' }),
  'commit.unknown': of('commits_total', { outcome: 'unknown' }),
  'commit.refused': of('commits_total', { outcome: 'refused' }),
  'commit.found-landed': of('commits_total', { outcome: 'found-landed' }),
  'records.rows': of('records_read_total', { kind: 'row' }),
  'records.control': of('records_read_total', { kind: 'control' }),
  'records.skipped': of('records_skipped_total'),
  'records.clipped': of('overlap_records_total'),
  'records.repeated': of('records_repeated_total'),
  'records.transactional': of('records_transactional_total'),
  'records.rescued': of('rows_rescued_total'),
  overlaps: of('overlaps_total'),
  gaps: of('gaps_total'),
  'offsets.gap': of('gap_offsets_total'),
  'segments.rewritten': of('segments_rewritten_total'),
  'segments.without-index': of('segments_without_index_total'),
  'partitions.stopped': of('partition_stops_total'),
  'results.refused': of('results_refused_total'),
  'failures.plan': of('failures_total', { step: 'plan' }),
  'failures.task': of('failures_total', { step: 'task' }),
  'failures.commit': of('failures_total', { step: 'commit' }),
  'failures.keepAlive': of('failures_total', { step: 'keepAlive' }),
  'upkeep.retention.done': of('upkeep_total', { kind: 'retention', outcome: 'done' }),
  'upkeep.retention.failed': of('upkeep_total', { kind: 'retention', outcome: 'failed' }),
  'upkeep.manifests.done': of('upkeep_total', { kind: 'manifests', outcome: 'done' }),
  'upkeep.manifests.failed': of('upkeep_total', { kind: 'manifests', outcome: 'failed' }),
  'upkeep.expiry.done': of('upkeep_total', { kind: 'expiry', outcome: 'done' }),
  'upkeep.expiry.failed': of('upkeep_total', { kind: 'expiry', outcome: 'failed' }),
  'upkeep.orphans.done': of('upkeep_total', { kind: 'orphans', outcome: 'done' }),
  'upkeep.orphans.failed': of('upkeep_total', { kind: 'orphans', outcome: 'failed' }),
  'upkeep.rows.retired': of('rows_retired_total'),
  'upkeep.compaction.done': of('upkeep_total', { kind: 'compaction', outcome: 'done' }),
  'upkeep.compaction.failed': of('upkeep_total', { kind: 'compaction', outcome: 'failed' }),
  'upkeep.rewrites.committed': of('rewrites_total', { outcome: 'committed' }),
  'upkeep.rewrites.refused': of('rewrites_total', { outcome: 'refused' }),
  'upkeep.snapshots.expired': of('snapshots_expired_total'),
  'upkeep.files.removed': of('files_removed_total'),
  'upkeep.bytes.removed': of('removed_bytes_total'),
  'task.completed': of('tasks_total', { outcome: 'completed' }),
  'task.failed': of('tasks_total', { outcome: 'failed' }),
  'task.set-aside': of('tasks_total', { outcome: 'set-aside' }),
  'store.source.list.pages': of('requests_total', { kind: 'source_list' }),
  'store.source.list.failures': of('request_failures_total', { kind: 'source_list' }),
  'store.source.get.requests': of('requests_total', { kind: 'source_get' }),
  'store.source.get.bytes': of('request_bytes_total', { kind: 'source_get' }),
  'store.source.get.failures': of('request_failures_total', { kind: 'source_get' }),
  'store.source.put.requests': of('requests_total', { kind: 'source_put' }),
  'store.source.put.bytes': of('request_bytes_total', { kind: 'source_put' }),
  'store.source.put.failures': of('request_failures_total', { kind: 'source_put' }),
  'store.warehouse.list.pages': of('requests_total', { kind: 'warehouse_list' }),
  'store.warehouse.list.failures': of('request_failures_total', { kind: 'warehouse_list' }),
  'store.warehouse.get.requests': of('requests_total', { kind: 'warehouse_get' }),
  'store.warehouse.get.bytes': of('request_bytes_total', { kind: 'warehouse_get' }),
  'store.warehouse.get.failures': of('request_failures_total', { kind: 'warehouse_get' }),
  'store.warehouse.put.requests': of('requests_total', { kind: 'warehouse_put' }),
  'store.warehouse.put.bytes': of('request_bytes_total', { kind: 'warehouse_put' }),
  'store.warehouse.put.failures': of('request_failures_total', { kind: 'warehouse_put' }),
  'store.s3.requests': of('s3_attempts_total'),
  'store.s3.retries': of('s3_retries_total'),
  'catalog.load.requests': of('requests_total', { kind: 'catalog_load' }),
  'catalog.load.failures': of('request_failures_total', { kind: 'catalog_load' }),
  'catalog.create.requests': of('requests_total', { kind: 'catalog_create' }),
  'catalog.create.failures': of('request_failures_total', { kind: 'catalog_create' }),
  'catalog.commit.requests': of('requests_total', { kind: 'catalog_commit' }),
  'catalog.commit.failures': of('request_failures_total', { kind: 'catalog_commit' }),
} as const

export type CounterName = keyof typeof counters

function of(metric: NameOf<'counter'>, labels: Readonly<Record<string, string>> = {}) {
  return { metric, labels } as const
}
