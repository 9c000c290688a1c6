import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { createBucket, install, startRestCatalog, startS3 } from './servers.ts'
import type { RunningServer, S3Endpoint } from './servers.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The S3 server that all integration tests share. */
    s3: S3Endpoint
    /** A bucket in it; the REST catalog's warehouse lies under `warehouse/`, so tests take other prefixes or their own bucket. */
    bucket: string
    /** The shared Iceberg REST catalog. */
    restCatalogUri: string
  }
}

/**
 * Installs what is missing, starts one S3 server and one REST catalog for the whole run, and tells the tests where they are:
 * by `inject('s3')`, `inject('bucket')`, `inject('restCatalogUri')`, and in the environment for programs that a test starts.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: RunningServer[] = []
  const runDirectory = await mkdtemp(join(tmpdir(), 'interop-'))
  process.env.INTEROP_RUN = runDirectory
  process.env.INTEROP_OWNER = String(process.pid)

  async function teardown(): Promise<void> {
    await Promise.all(started.map((server) => server.stop()))
    await rm(runDirectory, { recursive: true, force: true })
  }

  try {
    await install('versitygw', 'rest-catalog', 'pyiceberg')
    const s3Server = await startS3()
    started.push(s3Server)
    const { endpoint, region, accessKeyId, secretAccessKey } = s3Server
    const s3 = { endpoint, region, accessKeyId, secretAccessKey }
    const bucket = await createBucket(s3)
    const catalog = await startRestCatalog(s3, bucket)
    started.push(catalog)

    project.provide('s3', s3)
    project.provide('bucket', bucket)
    project.provide('restCatalogUri', catalog.uri)
    Object.assign(process.env, {
      S3_ENDPOINT: endpoint,
      S3_REGION: region,
      S3_ACCESS_KEY: accessKeyId,
      S3_SECRET_KEY: secretAccessKey,
      S3_BUCKET: bucket,
      REST_CATALOG_URI: catalog.uri,
    })
  } catch (error) {
    await teardown()
    throw error
  }
  return teardown
}
