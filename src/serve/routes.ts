import { stringifyJson } from '../formats/json/exact.ts'
import type { DocumentHealth } from '../model/health.ts'
import { readinessOf } from '../model/readiness.ts'
import type { Answer, Routes } from './server.ts'
import { statusPage } from './status-page.ts'

/** What is served: asked anew for every request. */
export interface Served {
  health(): readonly DocumentHealth[]
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  now(): number
  /** Takes secrets out of what others wrote into a message. */
  redact(text: string): string
}

/**
 * - `/healthz`: 200 while the event loop turns, which an answer is the proof of.
 * - `/readyz`: 200 while everything goes on, else 503; the body says why (`Readiness`).
 * - `/status`: everything that is known of each document, table and topic-partition (`DocumentHealth`), with what is stopped and why.
 * - `/metrics`: for Prometheus. `/`: a page for people.
 */
export function routesOf({ health, metrics, now, redact }: Served): Routes {
  return {
    '/': () => ({ status: 200, contentType: 'text/html; charset=utf-8', body: redact(statusPage(health(), now())) }),
    '/healthz': () => json(200, { ok: true }),
    '/readyz'() {
      const readiness = readinessOf(health(), now())
      const answer = json(readiness.ready ? 200 : 503, readiness)
      return { ...answer, body: redact(answer.body) }
    },
    '/status'() {
      const answer = json(200, { documents: health() })
      return { ...answer, body: redact(answer.body) }
    },
    async '/metrics'() {
      const { contentType, text } = await metrics()
      return { status: 200, contentType, body: text }
    },
  }
}

function json(status: number, value: object): Answer {
  return { status, contentType: 'application/json; charset=utf-8', body: `${stringifyJson(value)}\n` }
}
