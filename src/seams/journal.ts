/** Where the service says what happens. Fields are values, never secrets and never bytes of a record. */
export interface Journal {
  debug(message: string, fields?: JournalFields): void
  info(message: string, fields?: JournalFields): void
  warn(message: string, fields?: JournalFields): void
  error(message: string, fields?: JournalFields): void
}

export type JournalFields = Readonly<Record<string, string | number | bigint | boolean | null | undefined | readonly string[] | Error>>
