import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/**
 * On a machine with much memory V8 lets the young objects of each thread take 128 MiB before it looks which of them live, twice 64. Nothing here
 * gets faster by more than this, MiB, twice.
 */
const semiSpaceMebibytes = 16
/**
 * The same for a process that rewrites files and does nothing else: it handles columns, not objects, is as fast with this, and takes some 80 MB less
 * with two rewrites at once (docs/rewriting.md).
 */
const rewritingMebibytes = 4

// Another V8 may not know the flags, and would say so.
const knowsFlags = process.versions.v8.startsWith('13.')

/** Bounds what V8 takes beside what is in use, in this thread and in those that are yet to be started. */
export function boundHeaps(): void {
  if (!knowsFlags) return
  boundThreads(semiSpaceMebibytes)
  boundYoungObjects()
}

/** Threads to come begin with it, since `boundYoungObjects` may keep all from growing. */
function boundThreads(mebibytes: number): void {
  setFlagsFromString(`--min-semi-space-size=${mebibytes}`)
  setFlagsFromString(`--max-semi-space-size=${mebibytes}`)
}

/**
 * V8 by default takes each 64 MiB of buffers for a reason to look through its heap, and segments that pass by are all buffers: that took a
 * seventh of the CPU time of a service with two threads. With this, buffers count with the heap, against a limit that grows with both. It
 * costs some 50 MB, which a service that was told to do one thing at a time can not spare, nor rewrites, which give their buffers back.
 */
export function countBuffersWithHeap(): void {
  if (knowsFlags) setFlagsFromString('--external-memory-accounted-in-global-limit')
}

/** Of what is in use; by default V8 waits until the heap is up to four times as large before it looks through all of it. */
const growingPercent = 30

/**
 * Bounds what objects take beside those in use, for a process that rewrites files: what they hold is little, and looked through soon. To be
 * called before each rewrite. `alone`: nothing else was done by it yet.
 */
export function boundRewrites(alone: boolean): void {
  if (!knowsFlags) return
  setFlagsFromString(`--heap-growing-percent=${growingPercent}`)
  boundThreads(alone ? rewritingMebibytes : semiSpaceMebibytes)
  boundYoungObjects(alone ? rewritingMebibytes : semiSpaceMebibytes)
}

/**
 * Listing a large bucket is a stream of short-lived objects, for which V8 would let its heap grow by four times what is alive. For a process
 * that lists and does nothing else, which this could slow down.
 */
export function boundListing(): void {
  if (!knowsFlags) return
  setFlagsFromString('--semi-space-growth-factor=1')
  setFlagsFromString('--heap-growing-percent=50')
}

/**
 * Keeps the young objects of this thread, whose bound was set when it began, from taking more room than those of others; to be called now and then, since
 * V8 takes room back where a thread is idle; it takes some three microseconds.
 */
export function boundYoungObjects(mebibytes = semiSpaceMebibytes): void {
  if (!knowsFlags) return
  const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')
  // It doubles, and both halves count.
  const isLarge = young !== undefined && young.space_size * 2 > 2 * mebibytes * 1024 * 1024
  setFlagsFromString(`--semi-space-growth-factor=${isLarge ? 1 : 2}`)
}
