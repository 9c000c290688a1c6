import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { expect, test } from 'vitest'
import { prometheusExposition } from '../../src/drivers/meter/prometheus.ts'
import { type Metric, metrics } from '../../src/seams/metrics.ts'
import { metricsTable } from '../support/metrics-table.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: { readonly summary: string; readonly runbook: string }
}
const rules = (parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules)

/** Names of metrics in PromQL: what stands before a label list, a range, an operator or a closing bracket. */
function metricsIn(text: string): string[] {
  return [...text.matchAll(/\b(?:iceberg_processor|process|nodejs)_[a-z0-9_]+\b/g)].map(([name]) => name)
}

/** Names that a process exposes, histograms with the names of their series. */
async function exposed(): Promise<Set<string>> {
  const text = await prometheusExposition().text()
  return new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name, kind]) =>
      kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  )
}

test('every metric of the alerts, the dashboard and the runbook is exposed', async () => {
  const known = await exposed()
  for (const path of ['deploy/prometheus/alerts.yaml', 'deploy/grafana/dashboard.json', 'docs/runbook.md']) {
    const used = metricsIn(read(path))
    expect(used.length).toBeGreaterThan(10)
    expect(used.filter((name) => !known.has(name))).toEqual([])
  }
})

test('each alert has its paragraph in the runbook, with what it means, how to see it and what to do, and no paragraph is without alert', () => {
  const paragraphs = new Map(
    read('docs/runbook.md')
      .split(/^## /m)
      .slice(1)
      .map((text) => [text.slice(0, text.indexOf('\n')), text]),
  )
  expect([...paragraphs.keys()].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
  for (const { alert, annotations } of rules) {
    expect(annotations.runbook).toBe(`docs/runbook.md#${alert.toLowerCase()}`)
    for (const part of ['*Means:*', '*See:*', '*Do:*']) expect(paragraphs.get(alert)).toContain(part)
  }
})

test('what alerts group by and name is a label of what they look at', () => {
  const labelsOf = (name: string) => [
    'processor',
    ...((metrics as Readonly<Record<string, Metric>>)[name.replace(/^iceberg_processor_/, '')]?.labels ?? []),
  ]
  for (const { alert, expr, annotations } of rules) {
    const grouped = [...expr.matchAll(/\bby \(([^)]+)\)/g)].flatMap(([, names]) => names.split(', '))
    const told = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, name]) => name)
    const matched = [...expr.matchAll(/\{(\w+)=~?/g)].map(([, name]) => name)
    for (const name of metricsIn(expr))
      expect(labelsOf(name), `${alert}: ${name}`).toEqual(expect.arrayContaining([...grouped, ...matched]))
    const left = grouped.length > 0 ? grouped : labelsOf(metricsIn(expr)[0])
    expect(left, alert).toEqual(expect.arrayContaining(told))
  }
})

test('docs/metrics.md has the table of all metrics as they are', () => {
  expect(read('docs/metrics.md')).toContain(metricsTable())
})
