import type { Clock } from '../../seams/clock.ts'
import type { Meter } from '../../seams/meter.ts'
import type { CarryOut } from './worker.ts'

/** The same, counted: how tasks end, and how long they take. */
export function meteredTasks(carryOut: CarryOut, meter: Meter, clock: Clock): CarryOut {
  return async (...work) => {
    const startedMs = clock.now()
    try {
      const result = await carryOut(...work)
      meter.add('task.completed')
      return result
    } catch (error) {
      meter.add('task.failed')
      throw error
    } finally {
      meter.observe('task_duration_seconds', (clock.now() - startedMs) / 1000)
    }
  }
}
