/**
 * A rule in the code that keeps rows exactly once, and what the code would be without it. A test keeps that each text is found exactly
 * once in its file; docs/simulation.md has the few without which the simulation was not seen to break an invariant.
 */
export interface Guard {
  readonly name: string
  /** What would happen without it. */
  readonly protects: string
  /** Below src. */
  readonly file: string
  /** The text of the guard, as it stands in the file. */
  readonly text: string
  /** What stands there in a program that never had the guard. */
  readonly without: string
}

const selection = 'pipeline/commit/select-results.ts'
const commitLoop = 'service/feed/commit-loop.ts'
const snapshot = 'pipeline/commit/build-snapshot.ts'
const feed = 'service/feed/table-feed.ts'
const expirer = 'service/maintain/table-expirer.ts'
const unreached = 'pipeline/maintain/unreached-files.ts'
const choice = 'pipeline/maintain/choose-expired.ts'
const branches = 'pipeline/commit/branch-view.ts'
const rebuild = 'service/backfill/rebuild.ts'
const judgement = 'pipeline/maintain/judge-results.ts'

export const guards: readonly Guard[] = [
  {
    name: 'refuse-whole',
    protects: 'a result of which a part is refused is refused whole: its files hold the rows of all its parts',
    file: selection,
    text: '} else refused.push({ result, reason: verdict.reason })',
    without: `} else {
        const parts = result.parts.filter((part) => judge(source, progress, frontiers, { ...result, parts: [part] }, nowMs) === 'accept')
        for (const part of parts) {
          progress = withDecided(progress, source, part.at, part.ranges)
          frontiers = advance(frontiers, source, part)
        }
        if (parts.length > 0) accepted.push(result)
        else refused.push({ result, reason: verdict.reason })
      }`,
  },
  {
    name: 'intersect-progress',
    protects: 'a result that has an offset which is decided already is refused',
    file: selection,
    text: 'const twice = intersectRanges(part.ranges, decided)',
    without: 'const twice = intersectRanges(part.ranges, [])',
  },
  {
    name: 'tail-in-order',
    protects: 'a part is committed only behind the segment that it follows, so that no hole is passed and no race decides an overlap',
    file: selection,
    text: 'const frontier = frontierOf(frontiers, source, part.at)\n',
    without: 'const frontier = { baseOffset: part.follows, etag: part.followsEtag }\n',
  },
  {
    name: 'assert-parent',
    protects: 'a commit lands only on the snapshot whose progress its results were checked against',
    file: snapshot,
    text: "{ type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': parentId },",
    without: '',
  },
  {
    name: 'read-progress-again',
    protects: 'after a conflict the results are judged by the progress of the new parent',
    file: commitLoop,
    text: 'const { metadata, state } = reused ?? (await',
    without: `const { metadata, state: fresh } = reused ?? (await this.load({ fresh: true }))
      const first = ((attempts as { first?: TableState }).first ??= fresh)
      const state = { ...fresh, progress: first.progress, frontiers: first.frontiers }
      void (await`,
  },
  {
    name: 'look-for-commit-id',
    protects: 'a commit whose answer was lost is looked for in the table before anything is committed again',
    file: commitLoop,
    text: 'if (landed !== undefined) return',
    without: 'if (false) return',
  },
  {
    name: 'unique-file-names',
    protects: 'each attempt writes files of its own, so that no zombie overwrites a committed one',
    file: 'service/tasks/worker.ts',
    text: '${seams.entropy.uuid()}.parquet',
    without: '${task.id.replaceAll(/[^a-z0-9]/gi, "-")}.parquet',
  },
  {
    name: 'carry-progress-on-replace',
    protects: 'a snapshot of ours that brings no rows carries the progress of its parent',
    file: commitLoop,
    text: '...proposed,\n      retraction:',
    without: '...proposed, ...(change.added.length === 0 && { progress: new Map() }),\n          retraction:',
  },
  {
    name: 'carry-other-sources',
    protects: 'a snapshot carries the progress of sources that are not its own',
    file: commitLoop,
    text: '...proposed,\n      retraction:',
    without: '...proposed, progress: new Map([...proposed.progress].filter(([of]) => of === this.#source)),\n          retraction:',
  },
  {
    name: 'keep-alive',
    protects: 'progress is carried on in a new snapshot before others expire the one that has it',
    file: feed,
    text: '() => this.#keepAlive()',
    without: 'async () => {}',
  },
  {
    name: 'grace',
    protects: 'the newest segment is taken only when it has stood for the grace age',
    file: 'pipeline/plan/accept-segments.ts',
    text: 'if (!settled && (',
    without: 'if (false && (',
  },
  {
    name: 'walk-back',
    protects: 'progress is found behind the snapshots of other writers',
    file: 'pipeline/commit/table-state.ts',
    text: 'const newest = ancestors.find(isOurs) ?? null',
    without: 'const newest = ancestors.slice(0, 1).find(isOurs) ?? null',
  },
  {
    name: 'progress-in-manifest-list',
    protects: 'progress that is too long for the summary is found in the manifest list',
    file: 'pipeline/commit/table-state.ts',
    text: '?? list?.metadata.get(summaryKeys.progress)',
    without: '',
  },
  {
    name: 'refuse-rollback',
    protects: 'a table that was taken back is left alone until a person has decided: it would get rows again that somebody took away',
    file: 'pipeline/commit/table-state.ts',
    text: '  await refuseRollback(table, metadata,',
    without: '  void (table, metadata,',
  },
  {
    name: 'known-progress',
    protects: 'a process that was told of a commit says so where the table has lost it, though nothing in the table tells of it',
    file: commitLoop,
    text: "refuseLost(this.name, known.progress, had, 'this process')",
    without: '',
  },
  {
    name: 'result-age',
    protects: 'a result is made again when it is so old that somebody may have removed its files as left behind',
    file: selection,
    text: 'if (nowMs - result.startedAtMs > maxResultAgeMs) return',
    without: 'if (false) return',
  },
  {
    name: 'clip-to-undecided',
    protects: 'a record is left out whose offset an earlier segment or commit has decided',
    file: 'pipeline/decode/fresh-runs.ts',
    text: 'if (offset < floor || containsOffset(seen, offset)) continue',
    without: 'if (offset < floor) continue',
  },
  {
    name: 'segment-etag',
    protects: 'the bytes that are read are those that were listed, and stood there for as long as the listing said',
    file: 'pipeline/read/fetch-segments.ts',
    text: '{ ifMatch: segment.etag, signal }',
    without: '{ signal }',
  },
  {
    name: 'stop-restarted-log',
    protects: 'a log that began again at offset 0 is not taken for the one before',
    file: 'service/feed/planner.ts',
    text: "plan.cursorSegment !== 'same' && (await isRestarted",
    without: 'false && (await isRestarted',
  },
  {
    name: 'one-incarnation',
    protects: 'what was planned for a log that ended is not committed once its next incarnation has begun',
    file: commitLoop,
    text: 'if (this.#id !== null && id !== this.#id) {',
    without: 'if (false) {',
  },
  {
    name: 'carry-requests',
    protects: 'a snapshot carries what people asked of the table',
    file: snapshot,
    text: '...(isEmpty(contents.requests) ? {} :',
    without: '...(true ? {} :',
  },
  {
    name: 'prove-gap',
    protects: 'missing offsets are taken for a gap only before a segment that has stood for the grace age',
    file: 'pipeline/decode/part-decoder.ts',
    text: 'if (missing.length > 0 && !segment.settled) return false',
    without: '',
  },
  {
    name: 'follow-new-bytes',
    protects: 'what follows a segment that was written again waits until its new bytes have been read',
    file: selection,
    text: 'part.followsEtag !== undefined && part.followsEtag !== frontier?.etag',
    without: 'false',
  },
  {
    name: 'skip-from-start',
    protects: 'what is skipped begins at the start of a log, and moves it no further back',
    file: 'pipeline/decode/part-decoder.ts',
    text: '[[0n, this.#part.startOffset]])',
    without: '[])',
  },
  {
    name: 'inputs-still-live',
    protects: 'a rewrite is refused of which an input was rewritten or deleted since',
    file: judgement,
    text: 'const reason = notLive(inputs, places) ??',
    without: 'const reason =',
  },
  {
    name: 'deletes-since-planned',
    protects: 'a rewrite is refused whose inputs have got deletes since that name rows by their place in them',
    file: judgement,
    text: 'if (late !== undefined) return',
    without: 'if (false) return',
  },
  {
    name: 'keep-sequence-number',
    protects: 'rewritten files keep the sequence number that they were planned on, so that equality deletes which came since apply to them',
    file: 'service/maintain/table-rewriter.ts',
    text: 'files.map((file) => ({ file, specId, sequenceNumber })),',
    without: 'files.map((file) => ({ file, specId, sequenceNumber: null })),',
  },
  {
    name: 'keep-newer-deletes',
    protects: 'a delete file stays that is newer than what was rewritten: it applies to the outputs',
    file: 'pipeline/maintain/judge-removals.ts',
    text: 'if (live.sequenceNumber > upTo ||',
    without: 'if (',
  },
  {
    name: 'keep-needed-deletes',
    protects: 'a delete file stays that applies to a file which was not rewritten',
    file: 'pipeline/maintain/judge-removals.ts',
    text: '.of(liveFile(entry, manifest.partitionSpecId))) left.delete(',
    without: '.of(liveFile(entry, manifest.partitionSpecId))) String(',
  },
  {
    name: 'expiry-asserts-refs',
    protects: 'snapshots are expired only while every branch and tag names what it named when they were chosen',
    file: expirer,
    text: '...Object.entries(before.refs ?? {}).map(',
    without: '...Object.entries({} as NonNullable<typeof before.refs>).map(',
  },
  {
    name: 'expiry-seen-gone',
    protects: 'files are removed only when the catalog shows the table without the snapshots that named them',
    file: expirer,
    text: 'const after = await load(table, name, seams)',
    without: 'const after = without(before, { snapshots, refs })',
  },
  {
    name: 'expiry-keeps-stopped',
    protects: 'a table that was taken back keeps the snapshots that tell of it',
    file: expirer,
    text: 'const { newest } = await findTableState(',
    without: `const { ancestorsOf, isOurs } = await import('../../pipeline/commit/table-state.ts')
  const lenient = (...asked: Parameters<typeof findTableState>) =>
    findTableState(...asked).catch(() => ({ newest: ancestorsOf(asked[1]).ancestors.find(isOurs) ?? null }))
  const { newest } = await lenient(`,
  },
  {
    name: 'expiry-keeps-named-files',
    protects: 'a data file stays that a snapshot which is left names',
    file: unreached,
    text: 'await liveEntries(manifest, io)) held.delete(',
    without: 'await liveEntries(manifest, io)) String(',
  },
  {
    name: 'expiry-keeps-named-manifests',
    protects: 'a manifest stays that a snapshot which is left names',
    file: unreached,
    text: 'for (const path of named.keys()) candidates.delete(path)',
    without: '',
  },
  {
    name: 'expiry-keeps-refs',
    protects: 'what branches and tags of others reach is not expired',
    file: choice,
    text: 'if (ended.has(name)) continue\n',
    without: 'if (ended.has(name) || name !== mainBranch) continue\n',
  },
  {
    name: 'expiry-keeps-progress',
    protects: 'the newest snapshot of ours stays, which tells what is decided',
    file: choice,
    text: 'i < minKept || i <= newestOfOurs ||',
    without: 'i < minKept ||',
  },
  {
    name: 'history-as-asked',
    protects: 'a backfill decides nothing but what was asked for and the table does not have',
    file: 'pipeline/plan/plan-history.ts',
    text: 'decided: subtractRanges([[0n, lastOffset]], own),',
    without: 'decided: [],',
  },
  {
    name: 'history-reads-before',
    protects: 'history is read from the segment before, which may reach over the beginning of the next',
    file: 'pipeline/plan/plan-history.ts',
    text: 'if (run.length === 0 && previous !== null && !isPlanned) run.push(previous)',
    without: '',
  },
  {
    name: 'history-in-order',
    protects: 'behind history that is refused no other of its topic-partition is taken, which may have offsets of the earlier segment',
    file: selection,
    text: 'behindRefused(result, refused) ??',
    without: '',
  },
  {
    name: 'history-keeps-start',
    protects: 'a tail begins where it began, though history below is decided',
    file: 'service/feed/planner.ts',
    text: 'startOffset: startOf(state, sourceId, at)',
    without: 'startOffset: decided[0]?.[0] ?? 0n',
  },
  {
    name: 'history-keeps-frontier',
    protects: 'history moves nothing of where the tail stands',
    file: selection,
    text: 'if (part.history !== true) frontiers = advance(frontiers, source, part)',
    without: 'frontiers = advance(frontiers, source, part)',
  },
  {
    name: 'history-keeps-found',
    protects: 'history that was found before the listing of another topic-partition fails is read all the same',
    file: 'service/backfill/history-feed.ts',
    text: '} finally {\n      // Where one listing fails',
    without: '} catch (error) {\n      throw error\n    }\n    {\n      // Where one listing fails',
  },
  {
    name: 'history-of-own-source',
    protects: 'a backfill is carried out by who feeds its topic, and not by documents of other sources that feed the table too',
    file: 'service/backfill/table-history.ts',
    text: ' && isOwn(one)',
    without: '',
  },
  {
    name: 'history-awaits-tail',
    protects: 'a backfill is not done while nothing tells where the tail stands',
    file: 'service/backfill/history-feed.ts',
    text: 'else if (wanted.length > 0) this.#stop(at, tailUnknown)',
    without: '',
  },
  {
    name: 'rebuild-asserts-main',
    protects: 'what was made anew takes the place of main only as it was when all of it was found there',
    file: branches,
    text: "{ type: 'assert-ref-snapshot-id', ref: mainBranch, 'snapshot-id': mainId },",
    without: '',
  },
  {
    name: 'rebuild-asserts-branch',
    protects: 'what takes the place of main is all that was made on the branch',
    file: branches,
    text: 'one.ref === mainBranch ? { ...one, ref: name } : one)),',
    without: 'one.ref === mainBranch ? [] : one)).flat(),',
  },
  {
    name: 'rebuild-has-what-main-has',
    protects: 'what was made anew takes the place of main once it has everything that main has decided, by its progress and by its rows',
    file: rebuild,
    text: `        if (lost.length > 0) throw new WorkError(lostIn(table, branch, lost), { retry: 'never' })
        if (isBehind) return null
        const beyond = progressBeyond(state.progress, mains.progress)
        const columns = kafkaColumns(table, view, tablesFor(tail, new Set([topic])).get(identifier.name)!.mapping.kafkaColumns)
        const { all: had, within: own } = await countRows(decidedSets(mains.progress), metadata, columns, seams.io)
`,
    without: `        const beyond = progressBeyond(state.progress, mains.progress)
        const columns = kafkaColumns(table, view, tablesFor(tail, new Set([topic])).get(identifier.name)!.mapping.kafkaColumns)
        const [had, own] = [0n, 0n]
`,
  },
  {
    name: 'rebuild-counts-rows',
    protects: 'a table with rows of others is not made anew without them',
    file: rebuild,
    text: 'const { all: had, within: own } = await countRows(decidedSets(mains.progress), metadata, columns, seams.io)',
    without: 'const [had, own] = [0n, 0n]',
  },
  {
    name: 'rebuild-carries-requests',
    protects: 'what people asked of a table stays asked where it is made anew',
    file: rebuild,
    text: 'requests: { ...mains.requests, backfills }, retraction: null',
    without: 'retraction: null',
  },
  {
    name: 'retention-keeps-young',
    protects: 'a file goes whole only where the bounds of its rows say that all of them are old',
    file: 'pipeline/maintain/row-age.ts',
    text: 'upper !== null && upper < before &&',
    without: 'upper !== null &&',
  },
  {
    name: 'retention-tells-deleted',
    protects: 'nobody looks any more for rows that were deleted for their age',
    file: 'service/maintain/table-rewriter.ts',
    text: 'const left = { ...state, accepted: acceptRows(state.accepted, state.progress, absent, paths) }',
    without: 'const left = state',
  },
  {
    name: 'retention-misses-kept',
    protects: 'a row that stays is missed where it is lost, though others of its file were deleted for their age',
    file: 'service/maintain/row-retention.ts',
    text: 'without(before.get(live.file.filePath) ?? [], [...kept.values()].flat())',
    without: 'before.get(live.file.filePath) ?? []',
  },
]
