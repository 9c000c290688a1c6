/** Prices of a store and a machine, in money of one currency: what a bill is made with. */
export interface Prices {
  readonly currency: string
  /** Of a thousand requests. */
  readonly getsPerThousand: number
  readonly putsAndListsPerThousand: number
  /** Of a gibibyte that is read: nothing where source and service are in one region. */
  readonly readPerGiB: number
  /** Of a gibibyte that is kept for a month. */
  readonly storedPerGiBMonth: number
  /** Of an hour of one core. */
  readonly corePerHour: number
}

/** S3 Standard in us-east-1 with a service in the same region, by its list; a core as of a machine for general purposes, on demand. */
export const defaultPrices: Prices = {
  currency: 'USD',
  getsPerThousand: 0.0004,
  putsAndListsPerThousand: 0.005,
  readPerGiB: 0,
  storedPerGiBMonth: 0.023,
  corePerHour: 0.05,
}

/** What work takes and gives. Requests to the source and bytes are counted from listings; the rest is about so. */
export interface Work {
  readonly segments: number
  /** Of these segments, and of those that are looked into first where a table is to be made. */
  readonly bytes: number
  readonly gets: number
  readonly lists: number
  /** Objects written: data files, and the metadata of each commit. */
  readonly puts: number
  readonly commits: number
  readonly files: number
  readonly fileBytes: number
  /** Of one process with all its workers, by the table's own speed where it has one, and else by the benchmark. */
  readonly seconds: number
}

export interface Money {
  readonly currency: string
  readonly requests: number
  readonly transfer: number
  readonly compute: number
  /** For each month that the files are kept. */
  readonly storagePerMonth: number
  /** To pay once: requests, transfer and compute. */
  readonly total: number
}

/** What is to be paid for once. DELETE requests cost nothing. */
export interface Taken {
  readonly gets: number
  /** PUT and LIST requests. */
  readonly writes: number
  readonly readBytes: number
  /** Of one core. */
  readonly coreSeconds: number
}

export type Once = Omit<Money, 'storagePerMonth'>

const gibibyte = 1024 ** 3

/** What is paid once. */
export function moneyOnce({ gets, writes, readBytes, coreSeconds }: Taken, prices: Prices): Once {
  const requests = (gets * prices.getsPerThousand + writes * prices.putsAndListsPerThousand) / 1000
  const transfer = (readBytes / gibibyte) * prices.readPerGiB
  const compute = (coreSeconds / 3600) * prices.corePerHour
  return { currency: prices.currency, requests, transfer, compute, total: requests + transfer + compute }
}

/** Uploads of more than this go in parts of this size, each of which is a request, and so are beginning and end. */
const partBytes = 8 * 1024 * 1024

/** What work costs on so many cores. */
export function moneyOf(work: Work, prices: Prices, cores: number): Money {
  const mean = work.files === 0 ? 0 : work.fileBytes / work.files
  const parts = mean <= partBytes ? 0 : work.files * (1 + Math.ceil(mean / partBytes))
  const taken = { gets: work.gets, writes: work.puts + parts + work.lists, readBytes: work.bytes, coreSeconds: work.seconds * cores }
  return { ...moneyOnce(taken, prices), storagePerMonth: (work.fileBytes / gibibyte) * prices.storedPerGiBMonth }
}

/** What a data file has besides its rows, about, by the number of its columns (docs/backfill.md): footer, page headers and bounds. */
export function bytesBesideRows(columns: number): number {
  return 270 + 130 * columns
}

/** Rows compress to about this share of their segments' bytes, where no file of the table tells better. */
export const usualShare = 1 / 4
