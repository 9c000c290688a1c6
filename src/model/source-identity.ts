/** Where a document's segments are: what identifies them in progress, and what stands before a topic in their keys. */
export interface SourceIdentity {
  /** `s3://bucket/prefix/` or `file:///absolute/directory/`. */
  readonly id: string
  readonly prefix: string
}
