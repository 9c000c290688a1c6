import { readFileSync } from 'node:fs'

/** What one vitest JSON report says, as far as the closing line needs it. */
export interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly success: boolean
  /** One a test file; a file that could not be loaded has failed without any test in it. */
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly { readonly status: string }[] }[]
}

/**
 * The reports' sum as `N passed, N failed`, with `, N skipped` where there are any, and whether the run may count as good: something
 * ran and nothing failed. A file that failed outside of its tests counts as one failure.
 */
export function closingLine(reports: readonly Report[]): { line: string; good: boolean } {
  const sum = (count: (report: Report) => number) => reports.reduce((total, report) => total + count(report), 0)
  const passed = sum((report) => report.numPassedTests)
  const failed = sum((report) => report.numFailedTests + report.testResults.filter(failedOutsideOfTests).length)
  const skipped = sum((report) => report.numPendingTests + report.numTodoTests)
  return {
    line: `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
    good: passed > 0 && failed === 0 && reports.every((report) => report.success && report.numPassedTests > 0),
  }
}

function failedOutsideOfTests(file: Report['testResults'][number]): boolean {
  return file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed')
}

if (import.meta.main) {
  const missing: string[] = []
  const reports = process.argv.slice(2).flatMap((file): Report[] => {
    try {
      return [JSON.parse(readFileSync(file, 'utf8')) as Report]
    } catch (error) {
      missing.push(`no report: ${(error as Error).message}`)
      return []
    }
  })
  for (const sentence of missing) console.log(sentence)
  const { line, good } = closingLine(reports)
  console.log(line)
  process.exitCode = good && missing.length === 0 ? 0 : 1
}
