import type { SetAsideTask } from '../../model/set-aside-task.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import type { PartitionStatus } from './partition-status.ts'
import type { DocumentStatus } from './status.ts'

/**
 * Tells topic-partitions as stopped at which a task of their own was given up, and leaves out tasks that were done since in another way, by
 * what the tables say. Pure.
 */
export function withSetAside(status: DocumentStatus, tasks: readonly SetAsideTask[]): { status: DocumentStatus; setAside: SetAsideTask[] } {
  const next = new Map(
    status.tables.flatMap(({ table, partitions }) => partitions.map((at) => [`${table} ${topicPartitionName(at)}`, at.next] as const)),
  )
  const isDecided = ({ table, parts }: SetAsideTask) =>
    parts.length > 0 && parts.every((at) => !at.isHistory && (next.get(`${table} ${topicPartitionName(at)}`) ?? at.offset) > at.offset)
  const setAside = tasks.filter((task) => !isDecided(task))
  const reasons = new Map(
    setAside
      .filter(({ parts }) => parts.length === 1 && !parts[0].isHistory)
      .map(({ table, parts, reason }) => [`${table} ${topicPartitionName(parts[0])}`, reason]),
  )
  const tables = status.tables.map((table) => ({
    ...table,
    partitions: table.partitions.map((at): PartitionStatus => {
      const reason = reasons.get(`${table.table} ${topicPartitionName(at)}`)
      return reason === undefined ? at : { ...at, stopped: at.stopped ?? `its task was set aside after several tries: ${reason}` }
    }),
  }))
  return { status: { ...status, tables }, setAside }
}
