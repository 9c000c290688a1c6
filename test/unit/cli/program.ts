import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Terminal } from '../../../src/cli/terminal.ts'

const root = join(import.meta.dirname, '../../..')

export const golden = join(root, 'test/golden/bucket/prod')
export const examples = join(root, 'schemas/examples')
export const bin = join(root, 'src/bin.js')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the real program to its end. */
export async function program(
  args: readonly string[],
  { env = {}, stdin = '', cwd, node = [] }: { env?: Record<string, string>; stdin?: string; cwd?: string; node?: readonly string[] } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [...node, bin, ...args], { cwd, env: { PATH: process.env.PATH, NO_COLOR: '1', ...env } })
  child.stdin.end(stdin)
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject)),
  ])
  return { code, stdout, stderr }
}

function plain(_style: string, words: string): string {
  return words
}

/** A terminal without colours that keeps what is written to it. */
export function recordingTerminal(width = 100): Terminal & { readonly lines: readonly string[]; readonly errors: readonly string[] } {
  const lines: string[] = []
  const errors: string[] = []
  return {
    lines,
    errors,
    out: (words) => void lines.push(...words.split('\n')),
    err: (words) => void errors.push(...words.split('\n')),
    style: plain,
    errStyle: plain,
    width,
    hasColors: false,
    progress: () => ({ update: async () => undefined, stop: () => undefined }),
  }
}
