/**
 * A file's path in the form in which two names of one file are equal: without scheme and authority (`s3`, `s3a` and `s3n` are one store,
 * and an alias of a bucket is that bucket), percent-encoded characters decoded, slashes in a row as one. Files that differ may look equal in
 * this form, and never the other way round: whoever asks whether a file is still named may then keep one too many.
 */
export function comparablePath(path: string): string {
  const withoutStore = path.replace(/^[a-z][a-z0-9+.-]*:(?:\/\/[^/]*)?/i, '')
  return decoded(withoutStore).replace(/\/{2,}/g, '/')
}

/** What is encoded twice is decoded twice: some writers encode names that hold a percent sign already. */
function decoded(path: string): string {
  let text = path
  for (;;) {
    const next = text.replace(/(?:%[0-9a-f]{2})+/gi, (codes) => {
      try {
        return decodeURIComponent(codes)
      } catch {
        return codes
      }
    })
    if (next === text) return text
    text = next
  }
}
