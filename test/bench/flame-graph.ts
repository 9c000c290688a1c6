import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { carryOut } from '../../src/service/tasks/worker.ts'
import { readColumns } from './columns.ts'
import { orders } from './data.ts'
import { callTree, type Frame, parts, partsOf } from './profile.ts'
import { fileSeams, openWorkload, segmentsIn, taskOf } from './workload.ts'

const [width, rowHeight, margin] = [1200, 17, 10]
/** Frames of less than this share are left out. */
const leastShare = 0.0015

/** A flame graph: each bar a function, as wide as the time it and all that it called took; below it who called it. */
export function flameGraph(root: Frame): string {
  const rows: string[] = []
  let deepest = 0
  const draw = (frame: Frame, left: number, depth: number) => {
    const share = frame.totalMicros / root.totalMicros
    if (share < leastShare) return
    deepest = Math.max(deepest, depth)
    const wide = share * (width - 2 * margin)
    const color = parts.find(({ name }) => name === frame.part)?.color ?? '#cccccc'
    const title = `${frame.name}: ${(100 * share).toFixed(1)} %, ${frame.part}`
    const label = wide < 40 ? '' : frame.name.slice(0, Math.floor(wide / 6.2))
    const y = `{${depth}}`
    rows.push(
      `<g><title>${escaped(title)}</title><rect x="${left.toFixed(1)}" y="${y}" width="${wide.toFixed(1)}" height="${rowHeight - 1}" fill="${color}"/>` +
        `<text x="${(left + 3).toFixed(1)}" y="${y}" dy="12">${escaped(label)}</text></g>`,
    )
    let at = left
    for (const child of frame.children) {
      draw(child, at, depth + 1)
      at += (child.totalMicros / root.totalMicros) * (width - 2 * margin)
    }
  }
  draw(root, margin, 0)
  const bottom = margin + deepest * rowHeight
  const placed = rows.map((row) => row.replaceAll(/y="\{(\d+)\}"/g, (_, depth) => `y="${bottom - Number(depth) * rowHeight}"`))
  const legend = parts.map(
    ({ name, color }, i) =>
      `<rect x="${margin + i * 150}" y="${bottom + 28}" width="11" height="11" fill="${color}"/><text x="${margin + 16 + i * 150}" y="${bottom + 38}">${name}</text>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 50}" font-family="monospace" font-size="10">`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    ...placed,
    ...legend,
    '</svg>\n',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

// Writes the graph of the hot path to the file that is named, and prints what its parts cost.
if (import.meta.main) {
  const { directory, columns } = await orders(1_000_000, 'orders', '--codecs', 'none,zstd,lz4')
  const segments = await segmentsIn(directory, 'none')
  const { target, limits } = await openWorkload(await readColumns(columns), 1, segments[0])
  const others = taskOf(await segmentsIn(join(directory, 'warm'), 'none'))
  await carryOut(others, target, limits, fileSeams().seams)
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 500 })
  const [before, threadBefore] = [process.cpuUsage(), process.threadCpuUsage()]
  await session.post('Profiler.start')
  const { parts: done } = await carryOut(taskOf(segments), target, limits, fileSeams().seams)
  const { profile } = await session.post('Profiler.stop')
  const [whole, thread] = [process.cpuUsage(before), process.threadCpuUsage(threadBefore)].map(({ user, system }) => user + system)
  const root = callTree(profile)
  await writeFile(process.argv[2], flameGraph(root))
  const millions = done[0].counts.rows / 1e6
  const line = (name: string, micros: number) => console.log(`| ${name} | ${(micros / 1e6 / millions).toFixed(2)} |`)
  console.log('| Part | Seconds a million records |\n| --- | --- |')
  // Samples are taken by the wall's clock, and other processes have their share of it: only what they are to each other counts.
  for (const [part, micros] of partsOf(root)) line(part, (micros / root.totalMicros) * thread)
  line("V8's own threads, and those that read files", whole - thread)
  line('all', whole)
}
