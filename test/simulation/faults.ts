/** Everything that a run lets happen, by name. A kind that a whole run of seeds never met is a hole in the simulation. */
export const faultKinds = [
  'segment-rewritten',
  'segment-rewritten-twice',
  'segment-rewritten-shorter',
  'segment-rewritten-longer',
  'two-owners',
  'gap',
  'segment-without-index',
  'index-late',
  'segment-landed-late',
  'segment-vanished',
  'segment-corrupt',
  'segment-mended',
  'base-offset-repeated',
  'control-batch',
  'foreign-object',
  'restart-suspected',
  'log-restarted',
  'restart-accepted',
  'rollback-accepted',
  'topic-paused',
  'topic-resumed',
  'process-crash',
  'process-pause',
  'process-stop',
  'effect-after-death',
  'clock-jump',
  'fleet-hibernates',
  'orphans-removed',
  'orphans-swept',
  'queue-flushed',
  'queue-lease-lost',
  'queue-zombie-result',
  'queue-result-shared',
  'task-poisonous',
  'task-kills-worker',
  'task-set-aside',
  'set-aside-returned',
  'commit-by-another',
  'list-error',
  'get-error',
  'put-error',
  'put-lost-after',
  'answer-slow',
  'namespace-error',
  'create-lost-before',
  'create-lost-after',
  'load-error',
  'commit-error',
  'commit-conflict',
  'commit-lost-before',
  'commit-lost-after',
  'commit-late',
  'foreign-append',
  'foreign-append-file',
  'foreign-append-branch',
  'foreign-tag',
  'foreign-ref-dropped',
  'foreign-replace',
  'foreign-rewrite',
  'foreign-delete',
  'foreign-delete-position',
  'foreign-delete-record',
  'foreign-column',
  'files-rewritten',
  'deletes-applied',
  'rewrite-refused',
  'foreign-expire',
  'foreign-expire-ours',
  'foreign-rollback',
  'foreign-restore',
  'old-snapshots-expired',
  'snapshots-expired',
  'old-files-deleted',
  'old-rows-deleted',
  'backfill-asked',
  'backfill-detached',
  'backfill-taken-up',
  'backfill-paused',
  'backfill-active',
  'backfill-cancelled',
  'backfill-done',
  'backfills-overlap',
  'history-read',
  'history-beside-tail',
  'rebuild-begun',
  'rebuild-taken-up',
  'rebuild-refused',
  'rebuilt',
  'rebuilt-beside',
  'file-removed',
] as const

/** What is not done to the program but said by it: it need not happen. */
export const saidByTheProgram: ReadonlySet<FaultKind> = new Set<FaultKind>(['restart-suspected'])

export type FaultKind = (typeof faultKinds)[number]

/** How often each kind happened. */
export class FaultCounts {
  readonly #counts = new Map<FaultKind, number>()

  add(kind: FaultKind): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
  }

  has(kind: FaultKind): boolean {
    return this.#counts.has(kind)
  }

  totals(): ReadonlyMap<FaultKind, number> {
    return this.#counts
  }
}

/** What must always hold was broken: the run ends here. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken'
  readonly invariant: string
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`)
    this.invariant = invariant
  }
}
