import type { Counted, DocumentHealth, PartitionLag, TableHealth } from '../model/health.ts'
import { type Reason, readinessOf } from '../model/readiness.ts'

/** Topic-partitions that are listed of a table; the furthest behind come first. */
const listedPartitions = 200

/** A page that shows how everything does, with nothing to load from elsewhere. Pure. */
export function statusPage(documents: readonly DocumentHealth[], nowMs: number): string {
  const { ready, reasons, notes } = readinessOf(documents, nowMs)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="10">
<title>${ready ? 'ready' : 'not ready'} · iceberg-processor</title>
<style>${style}</style>
<header><h1>iceberg-processor</h1><span class="${ready ? 'good' : 'bad'}">${ready ? 'ready' : 'not ready'}</span>
<time>${new Date(nowMs).toISOString().replace('T', ' ').slice(0, 19)} UTC</time>
<nav><a href="/metrics">metrics</a> <a href="/status">status</a> <a href="/readyz">readyz</a></nav></header>
${reasonList('bad', reasons)}${reasonList('note', notes)}
${documents.map((document) => documentSection(document, nowMs)).join('\n')}
</html>
`
}

function reasonList(kind: string, reasons: readonly Reason[]): string {
  if (reasons.length === 0) return ''
  const items = reasons.map(({ processor, table, topic, partition, since, reason }) => {
    const where = [processor, table, topic === undefined ? undefined : `${topic}/${partition}`].filter((part) => part !== undefined)
    const when = since === undefined ? '' : ` <small>since ${since.replace('T', ' ').slice(0, 19)}</small>`
    return `<li><b>${where.map(text).join(' · ')}</b>${when}<br>${text(reason)}</li>`
  })
  return `<ul class="${kind}">${items.join('')}</ul>`
}

function documentSection({ processor, tables, queueDepth, counted }: DocumentHealth, nowMs: number): string {
  const none = tables.length === 0 ? '<p>no topic of the source matches yet</p>' : ''
  const queue = queueDepth > 0 ? ` <small>${count(queueDepth)} tasks wait for a worker</small>` : ''
  return `<section><h2>${text(processor)}${queue}</h2>${none}${tables.map((table) => tableSection(table, nowMs)).join('\n')}
<dl>${countedFacts(counted)
    .map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`)
    .join('')}</dl></section>`
}

/** What this process has counted since it began. */
function countedFacts({ requests, failedRequests, gaps, overlaps, segmentsRewritten }: Counted): [string, string][] {
  const facts = Object.entries(requests).map(([kind, made]): [string, string] => {
    const failed = failedRequests[kind] ?? 0
    return [`${text(kind)} requests`, `${count(made)}${failed === 0 ? '' : `, ${count(failed)} failed`}`]
  })
  return [...facts, ['gaps seen', count(gaps)], ['overlaps seen', count(overlaps)], ['segments rewritten', count(segmentsRewritten)]]
}

function tableSection(table: TableHealth, nowMs: number): string {
  const { partitions, lastCommitMs, watermarkMs, rescuedRows, meanFileBytes, backfillOffsetsLeft, tasksInFlight, resultsWaiting } = table
  const oldestMs = Math.min(...partitions.map(({ oldestMs: each }) => each ?? Infinity))
  const facts: [string, string][] = [
    ['last commit', lastCommitMs === null ? 'none yet' : `${duration(nowMs - lastCommitMs)} ago`],
    ['oldest record not in the table', Number.isFinite(oldestMs) ? duration(nowMs - oldestMs) : 'none'],
    ['watermark', watermarkMs === null ? '–' : `${new Date(watermarkMs).toISOString().slice(0, 19)}Z`],
    ['backfill left', backfillOffsetsLeft === 0n ? 'nothing' : `${count(Number(backfillOffsetsLeft))} offsets`],
    ['rows rescued', rescuedRows === null ? '–' : count(Number(rescuedRows))],
    ['mean data file', meanFileBytes === null ? '–' : bytes(meanFileBytes)],
    ['tasks in flight', count(tasksInFlight)],
    ['results to commit', count(resultsWaiting)],
  ]
  const rows = partitions.toSorted(
    (a, b) => Number(b.stopped !== null) - Number(a.stopped !== null) || (a.oldestMs ?? Infinity) - (b.oldestMs ?? Infinity),
  )
  const more = rows.length > listedPartitions ? `<p>and ${count(rows.length - listedPartitions)} more, less behind</p>` : ''
  const upkeep = (table.upkeep?.decisions ?? []).map(
    ({ kind, due, reason }) => `<li>${text(kind)}, ${due ? 'due' : 'not due'}: ${text(reason)}`,
  )
  const looked =
    upkeep.length === 0
      ? ''
      : `<details><summary>upkeep, ${duration(nowMs - table.upkeep!.lookedMs)} ago</summary><ul>${upkeep.join('')}</ul></details>`
  return `<article><h3>${text(table.table)}</h3>
<dl>${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>
<div class="scroll"><table><thead><tr><th>topic<th class="n">partition<th>state<th class="n">offsets<th class="n">segments<th class="n">bytes<th class="n">time</tr></thead>
<tbody>${rows
    .slice(0, listedPartitions)
    .map((lag) => partitionRow(lag, nowMs))
    .join('\n')}</tbody></table></div>${more}${looked}</article>`
}

function partitionRow(
  { topic, partition, offsets, segments, bytes: size, oldestMs, complete, paused, stopped }: PartitionLag,
  nowMs: number,
): string {
  const state =
    stopped !== null ? ['bad', 'stopped'] : paused ? ['note', 'paused'] : segments === 0 ? ['good', 'up to date'] : ['busy', 'behind']
  const least = complete ? '' : '≥ '
  const cells =
    segments === 0
      ? ['', '', '', '']
      : [least + count(Number(offsets)), least + count(segments), least + bytes(size), duration(nowMs - (oldestMs ?? nowMs))]
  return `<tr><td>${text(topic)}<td class="n">${partition}<td><span class="${state[0]}">${state[1]}</span>${cells.map((cell) => `<td class="n">${cell}`).join('')}</tr>`
}

/** Text as HTML shows it. */
function text(raw: string): string {
  return raw.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

function bytes(size: number): string {
  const unit = Math.min(4, Math.floor(Math.log2(Math.max(1, size)) / 10))
  const value = size / 1024 ** unit
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`
}

const style = `
:root{color-scheme:light dark;--text:#1d2430;--soft:#5b6676;--line:#dde2e9;--card:#fff;--page:#f4f6f8;--good:#176b3a;--bad:#b3261e;--note:#8a5a00;--busy:#1f5fa8}
@media (prefers-color-scheme:dark){:root{--text:#e4e8ee;--soft:#98a3b3;--line:#2c3440;--card:#181d25;--page:#0f1318;--good:#5fce8c;--bad:#ff8a80;--note:#f0b94d;--busy:#7db7f5}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.25rem;background:var(--page);color:var(--text);font:15px/1.5 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.25rem 1rem;align-items:baseline}
h1{font-size:1.15rem;margin:0}h2{font-size:1.05rem;margin:1.5rem 0 .5rem}h3{font-size:1rem;margin:0 0 .5rem}
header time{color:var(--soft)}nav{margin-left:auto}a{color:var(--busy)}small,p{color:var(--soft);font-weight:400}
article{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;margin:0 0 1rem}
dl{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:0 0 .75rem}dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th{color:var(--soft);font-size:.85rem;font-weight:500;text-align:left}th,td{padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums}tbody tr:last-child td{border-bottom:0}
.good{color:var(--good)}.bad{color:var(--bad)}.note{color:var(--note)}.busy{color:var(--busy)}
header span{font-weight:600}ul{list-style:none;background:var(--card);border:1px solid currentColor;border-radius:8px;padding:.75rem 1rem;margin:1rem 0}
li+li{margin-top:.5rem}ul small{margin-left:.5rem}`
