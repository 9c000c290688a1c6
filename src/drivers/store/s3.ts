import type { WarehouseStore } from '../../seams/object-store.ts'
import { checkRange } from './byte-range.ts'
import { DeleteObjectCommand, openS3Client } from './s3-client.ts'
import type { S3Options } from './s3-client.ts'
import { s3Getter } from './s3-get.ts'
import { listS3 } from './s3-list.ts'
import { s3Sender } from './s3-requests.ts'
import type { S3Surroundings } from './s3-requests.ts'
import { putS3 } from './s3-upload.ts'

/** Opens one bucket of S3 or of a service that speaks its protocol. One request a get, one a small put, one a page of a listing. */
export function openS3Store(options: S3Options, surroundings: S3Surroundings): WarehouseStore {
  const { bucket } = options
  const connection = openS3Client(options)
  const { client } = connection
  const send = s3Sender(options, surroundings)
  const get = s3Getter(connection, bucket)
  return {
    list: (query) => listS3(client, send, bucket, query, () => surroundings.clock.now()),
    async get(key, { ifMatch, range, signal } = {}) {
      if (range !== undefined) checkRange(key, range)
      return send({ verb: 'get', key }, (abortSignal) => get({ key, ifMatch, range }, abortSignal), signal)
    },
    release: (bytes) => connection.pool.giveBack(bytes),
    put: (key, chunks, { signal } = {}) => putS3({ client, send, bucket, key }, chunks, signal),
    async remove(key) {
      await send({ verb: 'delete', key }, (abortSignal) =>
        client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal }),
      )
    },
    close: () => connection.close(),
  }
}
