import { FormError } from './scanner.ts'

/*
 * Forms of single strings. Each function returns the value, brought into its one form, or throws a FormError.
 */

/** An http or https URL. User and password are refused: the URL comes to stand in logs. */
export function httpUrl(text: string): string {
  if (!URL.canParse(text)) throw new FormError('it is no URL')
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new FormError('it must start with http:// or https://')
  if (url.username !== '' || url.password !== '')
    throw new FormError('it must not hold user and password, since URLs come to stand in logs')
  if (url.hash !== '') throw new FormError('it must have no fragment (#…)')
  return text
}

/** A Redis URL. The message does not quote it, since it may hold a password. */
export function redisUrl(text: string): void {
  if (!URL.canParse(text) || !/^rediss?:\/\//i.test(text))
    throw new FormError('a URL that starts with redis:// or rediss:// (special characters in a password are percent-encoded)')
}

/** A bucket's name, or the ARN of an access point; servers other than AWS allow more characters than AWS does. */
export function bucketName(text: string): string {
  if (/^[a-z0-9]+:\/\//i.test(text)) throw new FormError('the name alone, no URL; what follows it goes into prefix')
  if (!/^[A-Za-z0-9._-]{3,255}$/.test(text) && !text.startsWith('arn:')) {
    throw new FormError('3 or more letters, digits, ".", "_" and "-"')
  }
  return text
}

/** A key prefix, which is empty or ends with a slash; slashes at its start are left out. */
export function prefix(text: string): string {
  const trimmed = text.replace(/^\/+/, '').replace(/\/+$/, '')
  return trimmed === '' ? '' : `${trimmed}/`
}

/** A processor's name, as Kubernetes wants it (RFC 1123 subdomain). */
export function resourceName(text: string): string {
  if (text.length > 253 || !/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(text)) {
    throw new FormError('lower-case letters, digits, "-" and "." within, at most 253 characters')
  }
  return text
}

/** A Kubernetes namespace (RFC 1123 label). */
export function namespaceName(text: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text))
    throw new FormError('lower-case letters, digits and "-" within, at most 63 characters')
  return text
}

/** An Iceberg namespace: levels with dots between. */
export function databaseName(text: string): string {
  const level = /^[\p{L}\p{N}_-]+$/u
  if (text.length > 255 || !text.split('.').every((part) => level.test(part))) {
    throw new FormError('letters, digits, "_" and "-", with single dots between levels, at most 255 characters')
  }
  return text
}

/** An Iceberg table's name, without its namespace. */
export function tableName(text: string): string {
  if (text.includes('.')) throw new FormError('without a dot: the database stands in spec.sink.database')
  if (!/^[\p{L}\p{N}_-]{1,255}$/u.test(text)) throw new FormError('letters, digits, "_" and "-", at most 255 characters')
  return text
}

/** `:9093`, `127.0.0.1:9093`, `[::1]:9093`. */
export function listenAddress(text: string): string {
  const port = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]*):(\d{1,5})$/.exec(text)?.[1]
  if (port === undefined || Number(port) > 65_535) throw new FormError('such as ":9093" or "127.0.0.1:9093"')
  return text
}

/** `host:port` or `[::1]:6379`. */
export function nodeAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, host, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) throw new FormError('such as "redis-0:6379"')
  return { host: bracketed ?? host, port: Number(port) }
}

/** A header's name (RFC 9110, "Field Names"). */
export function isHeaderName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~A-Za-z0-9-]+$/.test(text)
}
