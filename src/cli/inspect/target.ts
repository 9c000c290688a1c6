import { stat } from 'node:fs/promises'
import { basename, dirname, relative, resolve, sep } from 'node:path'
import { DocumentError } from '../../model/failure.ts'

/** Where a store is: a directory, or a bucket and how to reach it. */
export type StorePlace =
  | { readonly directory: string }
  | { readonly bucket: string; readonly endpoint?: string; readonly region?: string; readonly pathStyle?: boolean }

/** One object, or everything whose key begins with a prefix. */
export interface Target {
  readonly place: StorePlace
  readonly kind: 'object' | 'prefix'
  /** The key, or the prefix, which is empty or ends in a slash. */
  readonly key: string
  /** How people call it. */
  readonly name: string
}

export interface S3Options {
  readonly endpoint?: string
  readonly region?: string
  readonly pathStyle?: boolean
}

/**
 * Reads what the command line names: `s3://bucket/key`, where a key that ends in .kfs or .index is an object and all others are
 * prefixes, or a path. Throws a DocumentError where nothing is there.
 */
export async function readTarget(text: string, options: S3Options): Promise<Target> {
  const s3 = /^s3[an]?:\/\/([^/]*)\/?(.*)$/s.exec(text)
  if (s3 !== null) {
    const [, bucket, key] = s3
    if (bucket === '') throw new DocumentError('expected s3://bucket/key, found no bucket')
    const kind = /\.(kfs|index)$/.test(key) ? 'object' : 'prefix'
    return { place: { bucket, ...options }, kind, key: kind === 'object' ? key : asPrefix(key), name: text }
  }
  const path = resolve(text)
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new DocumentError(`expected a file, a directory or s3://bucket/prefix, but ${text} ${reasonOf(error)}`)
  })
  if (!found.isDirectory()) return { place: { directory: dirname(path) }, kind: 'object', key: basename(path), name: text }
  // Two levels up, so that the keys tell topic and partition even where the directory is a single partition's.
  const directory = dirname(dirname(path))
  return { place: { directory }, kind: 'prefix', key: asPrefix(relative(directory, path).replaceAll(sep, '/')), name: text }
}

function asPrefix(key: string): string {
  return key === '' || key.endsWith('/') ? key : `${key}/`
}

function reasonOf({ code }: NodeJS.ErrnoException): string {
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `can not be looked at (${code})`
}
