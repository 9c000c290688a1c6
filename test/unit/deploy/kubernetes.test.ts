import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1'
import { ServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1'
import { Deployment } from 'kubernetes-models/apps/v1'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from 'kubernetes-models/v1'
import { describe, expect, test } from 'vitest'
import { processorName } from '../../../src/service/feed/document-watch.ts'
import { metrics } from '../../../src/seams/metrics.ts'
import { loadDocuments } from '../../../src/spec/load.ts'
import { secretsIn } from '../../../src/spec/secret.ts'
import { deploy, kustomized, type Manifest, readManifests, watched } from './manifests.ts'

const directory = join(deploy, 'kubernetes')
const variants = ['run', 'fleet'] as const
/** The kinds that are used here; each can be checked against the project's own schema. */
const kinds = [
  ConfigMap,
  Deployment,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  ScaledObject,
  Secret,
  Service,
  ServiceAccount,
  ServiceMonitor,
]

const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.yaml'))
const manifests = files
  .filter((name) => !name.endsWith('kustomization.yaml'))
  .flatMap((name) =>
    readManifests(join(directory, name)).map((manifest) => [`${name}: ${manifest.kind} ${manifest.metadata.name}`, manifest] as const),
  )

/** What is wrong with a manifest by the schema of its kind; keys that the schema does not know are. */
function faults(manifest: Manifest): string[] {
  const kind = kinds.find((one) => one.kind === manifest.kind && one.apiVersion === manifest.apiVersion)
  if (kind === undefined) return [`no schema of ${manifest.kind} in ${manifest.apiVersion}`]
  const { value, unread } = watched(manifest)
  try {
    // Called on the manifest itself: a model would be a copy, and to copy is to read everything.
    kind.prototype.validate.call(value as never)
  } catch (error) {
    return [(error as Error).message]
  }
  return unread()
}

describe('each manifest is as its schema says, with no key that the schema does not know', () => {
  test.each(manifests)('%s', (_, manifest) => {
    expect(faults(manifest)).toEqual([])
  })

  test('and the check sees a wrong value and an unknown key', () => {
    const [, one] = manifests.find(([name]) => name.includes('Deployment'))!
    expect(faults({ ...one, spec: { ...one.spec, replicas: 'two' } })).toHaveLength(1)
    expect(faults({ ...one, spec: { ...one.spec, replica: 2 } })).toEqual(['.spec.replica'])
    expect(manifests.length).toBeGreaterThan(12)
  })

  test('and a kustomization names every file beside it, save the example', () => {
    const named = [...variants, 'base', 'monitoring'].flatMap((name) => {
      const { resources } = readManifests(join(directory, name, 'kustomization.yaml'))[0] as { resources: string[] }
      return resources.filter((file) => file.endsWith('.yaml')).map((file) => `${name}/${file}`)
    })
    const there = files.filter((name) => !name.endsWith('kustomization.yaml') && name !== 'secret.example.yaml')
    expect(named.sort()).toEqual(there.sort())
  })
})

describe.each(variants)('%s', (variant) => {
  const all = kustomized(join(directory, variant))
  const ofKind = (kind: string) => all.filter((manifest) => manifest.kind === kind)
  const deployments = ofKind('Deployment')
  const podLabels = deployments.map((one) => one.spec.template.metadata.labels as Record<string, string>)
  const matches = (selector: Record<string, string>) =>
    podLabels.filter((labels) => Object.entries(selector).every(([key, value]) => labels[key] === value))
  const secretKeys = Object.keys(readManifests(join(directory, 'secret.example.yaml'))[0].stringData as object)

  test('has the roles', () => {
    expect(deployments.map(({ metadata }) => metadata.name as string)).toEqual(
      variant === 'run' ? ['run'] : ['worker', 'planner', 'committer'],
    )
  })

  test('selectors meet the labels of pods, and nothing is in another namespace', () => {
    for (const { spec } of deployments) expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels)
    for (const { spec } of ofKind('PodDisruptionBudget')) expect(matches(spec.selector.matchLabels)).toHaveLength(1)
    expect(ofKind('PodDisruptionBudget')).toHaveLength(variant === 'run' ? 0 : 3)
    for (const { spec } of ofKind('Service')) expect(matches(spec.selector)).toHaveLength(deployments.length)
    for (const { spec } of ofKind('NetworkPolicy')) expect(matches(spec.podSelector.matchLabels)).toHaveLength(deployments.length)
    const spaces = all.filter(({ kind }) => kind !== 'Namespace').map(({ metadata }) => metadata.namespace as string)
    expect([...new Set(spaces)]).toEqual(ofKind('Namespace').map(({ metadata }) => metadata.name))
  })

  test.each(deployments.map((one) => [one.metadata.name as string, one.spec.template.spec as Manifest] as const))(
    'the pod of %s runs its role with the document it is given, as nobody, and has time to stop',
    (role, pod) => {
      const [container] = pod.containers as Manifest[]
      expect(pod.containers).toHaveLength(1)
      const [command, fileFlag, file, graceFlag, grace] = container.args as string[]
      expect([command, fileFlag, graceFlag]).toEqual([role, '--file', '--grace-seconds'])
      expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(Number(grace) + 5)
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true })
      expect(container.securityContext).toMatchObject({
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      })
      expect(container.resources).toMatchObject({
        requests: { cpu: expect.anything(), memory: expect.anything() },
        limits: { memory: expect.anything() },
      })
      expect(ofKind('ServiceAccount').map(({ metadata }) => metadata.name)).toEqual([pod.serviceAccountName])
      const paths = [container.livenessProbe, container.readinessProbe].map((probe) => [probe.httpGet.path, probe.httpGet.port])
      expect(paths).toEqual([
        ['/healthz', 'metrics'],
        ['/readyz', 'metrics'],
      ])
      // Each mount has its volume, and the file of the document is a key of the ConfigMap.
      const volumes = new Map((pod.volumes as Manifest[]).map((volume) => [volume.name as string, volume]))
      expect((container.volumeMounts as Manifest[]).map(({ name }) => name as string).sort()).toEqual([...volumes.keys()].sort())
      const mount = (container.volumeMounts as Manifest[]).find(({ mountPath }) => file.startsWith(`${mountPath}/`))!
      const document = ofKind('ConfigMap').find(({ metadata }) => metadata.name === volumes.get(mount.name as string)!.configMap.name)!
      expect(Object.keys(document.data as object)).toContain(file.slice((mount.mountPath as string).length + 1))
      expect(volumes.get('secrets')!.secret.secretName).toBe(readManifests(join(directory, 'secret.example.yaml'))[0].metadata.name)
    },
  )

  test('the document is valid, listens where it is asked, and its secrets are files of the Secret', () => {
    const [document] = loadDocuments(ofKind('ConfigMap')[0].data['document.yaml'] as string, 'document.yaml', {})
    const ports = deployments.map((one) => one.spec.template.spec.containers[0].ports[0].containerPort as number)
    expect(ports.map((port) => `:${port}`)).toEqual(ports.map(() => document.spec.metrics?.address))
    expect(document.spec.queue !== undefined).toBe(variant === 'fleet')
    expect(secretsIn(document)).not.toEqual([])
    for (const { secret } of secretsIn(document)) {
      const complaint = messageOf(() => secret.reveal())
      const file = /but (\S+) does not exist/.exec(complaint)?.[1] ?? complaint
      expect(secretKeys.map((key) => `/etc/iceberg-processor/secrets/${key}`)).toContain(file)
    }
  })
})

test('the workers are scaled by a metric that exists, of the document that they serve', () => {
  const all = kustomized(join(directory, 'fleet'))
  const { scaleTargetRef, triggers } = all.find(({ kind }) => kind === 'ScaledObject')!.spec as Manifest
  expect(all.some(({ kind, metadata }) => kind === scaleTargetRef.kind && metadata.name === scaleTargetRef.name)).toBe(true)
  const query = triggers[0].metadata.query as string
  const [document] = loadDocuments(all.find(({ kind }) => kind === 'ConfigMap')!.data['document.yaml'] as string, 'document.yaml', {})
  const metric = /iceberg_processor_\w+/.exec(query)![0]
  expect(Object.keys(metrics).map((name) => `iceberg_processor_${name}`)).toContain(metric)
  expect(metric).toMatch(/_lag_/)
  expect(query).toContain(`processor="${processorName(document.metadata)}"`)
})

function messageOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return (error as Error).message
  }
  return 'no error'
}
