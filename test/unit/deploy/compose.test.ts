import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { commands } from '../../../src/cli/commands.ts'
import { loadDocuments } from '../../../src/spec/load.ts'
import { notYet } from '../../../src/spec/not-yet.ts'
import { deploy, type Manifest } from './manifests.ts'

const localstack = join(deploy, '../localstack')
const text = readFileSync(join(deploy, 'compose.yaml'), 'utf8')
const compose = parse(text, { merge: true }) as Manifest
const services = compose.services as Readonly<Record<string, Manifest>>
const fleet = ['worker', 'planner', 'committer']
const mounted = (name: string) => readFileSync(join(deploy, 'compose', name), 'utf8')

test('the broker, its stores, a catalog and the fleet are there, with two workers', () => {
  expect(Object.keys(services).sort()).toEqual(['broker', 'catalog', 'committer', 'etcd', 'planner', 'redis', 's3', 'worker'])
  expect(services.worker.deploy.replicas).toBe(2)
  for (const role of fleet) {
    expect(services[role].command[0]).toBe(role)
    expect(Object.keys(commands)).toContain(role)
  }
})

test('each service says whether it is healthy, and waits for services that do', () => {
  for (const [name, { healthcheck, depends_on: needs }] of Object.entries(services)) {
    expect(healthcheck?.test, name).toBeInstanceOf(Array)
    for (const [needed, { condition }] of Object.entries((needs ?? {}) as Manifest)) {
      expect(services, name).toHaveProperty(needed)
      expect(condition).toBe('service_healthy')
    }
  }
})

test('ports are published on loopback alone, each once', () => {
  const ports = Object.values(services).flatMap(({ ports: published }) => (published ?? []) as string[])
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/)
  expect(new Set(ports).size).toBe(ports.length)
})

test('what is mounted or built from exists, and what stops has time for it', () => {
  for (const { volumes = [], build } of Object.values(services)) {
    for (const volume of volumes as string[]) expect(existsSync(join(deploy, volume.split(':')[0])), volume).toBe(true)
    if (build !== undefined) expect(existsSync(join(deploy, build.context as string, build.dockerfile as string))).toBe(true)
  }
  for (const role of fleet) expect(Number.parseInt(services[role].stop_grace_period as string, 10)).toBeGreaterThan(25)
})

test('each document is valid with the environment that it gets, and run can do all of it', () => {
  const environment = services.worker.environment as Record<string, string>
  const [document] = loadDocuments(mounted('document.yaml'), 'document.yaml', environment)
  expect(notYet(document)).toEqual([])
  expect(document.spec.source.etcd?.endpoints).toEqual(['http://etcd:2379'])
  const script = readFileSync(join(localstack, 'env.sh'), 'utf8')
  const set = Object.fromEntries([...script.matchAll(/\b([A-Z_\d]+)=([^\s]+)/g)].map(([, name, value]) => [name, value]))
  const ports = { S3_PORT: '4566', REDIS_PORT: '6379', CATALOG_PORT: '8181', SEGMENTS_PREFIX: 'prod/' }
  const valueOf = (value: string) => value.replace(/\$\{?(\w+)(:-[^}]*)?\}?/g, (_all, name: keyof typeof ports) => ports[name] ?? '')
  const local = Object.fromEntries(Object.entries(set).map(([name, value]) => [name, valueOf(value)]))
  const [own] = loadDocuments(readFileSync(join(localstack, 'document.yaml'), 'utf8'), 'document.yaml', local)
  expect(notYet(own)).toEqual([])
  // Servers are reached by the names of their services.
  for (const [name, value] of Object.entries(environment)) {
    const host = URL.parse(value)?.hostname
    if (/_(URL|ENDPOINT)$/.test(name)) expect(services, name).toHaveProperty(host ?? 'a host')
  }
  const s3 = document.spec.source.s3!
  expect(services.broker.environment.KAFSCALE_S3_BUCKET).toBe(s3.bucket)
  expect(mounted('make-buckets.sh')).toContain(` ${s3.bucket} `)
  // The broker's own prefix is the name of its namespace.
  expect(s3.prefix).toBe('default/')
})

test('the scripts name what exists', () => {
  const scripts = ['up.sh', 'fleet.sh', 'down.sh'].map((name) => readFileSync(join(localstack, name), 'utf8')).join('\n')
  const called = [...scripts.matchAll(/\$(SERVERS|HERE)\/([\w./]+)/g)].map(([, base, path]) =>
    join(base === 'HERE' ? localstack : join(dirname(localstack), 'test/integration/servers'), path),
  )
  expect(called.length).toBeGreaterThan(4)
  for (const path of called) expect(existsSync(path), path).toBe(true)
})
