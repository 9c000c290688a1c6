import { commitForeign } from './foreign-commit.ts'
import { namespace, type World } from './world.ts'

/** Another writer's commit, and an expiry of all that came before it: what is decided is told by a property, and not where the tail stands. */
export async function loseHistory(own: World, name: string): Promise<void> {
  await commitForeign(own, name, {})
  const { snapshots, 'current-snapshot-id': current } = await own.table(name)
  const outcome = await own.catalog.commitTable(
    { namespace, name },
    {
      requirements: [],
      updates: [{ action: 'remove-snapshots', 'snapshot-ids': snapshots!.map((one) => one['snapshot-id']).filter((id) => id !== current) }],
      idempotencyKey: 'expired',
    },
  )
  if (outcome.kind !== 'committed') throw new Error(`the expiry came to ${outcome.kind}`)
}

/** The same, and the property is gone, too. */
export async function loseProgress(own: World, name: string): Promise<void> {
  await loseHistory(own, name)
  const update = { action: 'remove-properties', removals: ['kafscale.processor.progress'] } as const
  await own.catalog.commitTable({ namespace, name }, { requirements: [], updates: [update], idempotencyKey: 'gone' })
}

/** What a copy of a table has of ours: its rows. */
export async function loseEverythingOfOurs(own: World, name: string): Promise<void> {
  await loseProgress(own, name)
  const update = { action: 'remove-properties', removals: ['kafscale.processor.layout'] } as const
  await own.catalog.commitTable({ namespace, name }, { requirements: [], updates: [update], idempotencyKey: 'copied' })
}
