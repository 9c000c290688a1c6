import { DocumentError } from '../model/failure.ts'
import type { Problem } from '../model/failure.ts'

/** `events.yaml:3:5: document orders: spec.source.topics[0]: expected …`, without the parts that are not known. */
function describeProblem(problem: Problem): string {
  const { file, line, column, document, path, message } = problem
  const place = [file, line, column].filter((part) => part !== undefined).join(':')
  return [place, document === undefined ? '' : `document ${document}`, path, message].filter((part) => part !== '').join(': ')
}

/** The error that says all of them, one a line. */
export function documentError(problems: readonly Problem[]): DocumentError {
  return new DocumentError(problems.map(describeProblem).join('\n'), problems)
}
