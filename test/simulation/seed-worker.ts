import { parentPort, workerData } from 'node:worker_threads'
import { guards } from './guards.ts'
import { disarm } from './without-guard.ts'

const guard = guards.find(({ name }) => name === (workerData as string | null))
const disarmed = guard === undefined ? null : disarm(guard)
// Only now: what is loaded before a guard is taken out has it.
const { simulate } = await import('./simulate.ts')
if (disarmed?.loaded() === false) throw new Error(`the simulation never loads src/${guard!.file}`)

parentPort!.on('message', (seed: number) => void simulate(seed).then((report) => parentPort!.postMessage(report, [])))
