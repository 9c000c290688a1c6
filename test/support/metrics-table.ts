import { type Metric, metrics } from '../../src/seams/metrics.ts'

/** The table of all metrics, for the docs. */
export function metricsTable(): string {
  const rows = Object.entries<Metric>(metrics).map(
    ([name, { kind, labels, help }]) =>
      `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help.replaceAll('|', '\\|')} |`,
  )
  return ['| Metric | Type | Labels | |', '| --- | --- | --- | --- |', ...rows].join('\n')
}
