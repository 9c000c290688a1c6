import type { Command } from './command.ts'

/** The commands of this version: a line for the overview, and how to load the rest, which only happens to the one that is called. */
export const commands: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  run: {
    summary: 'turn segments into Iceberg tables, for good or once',
    load: async () => (await import('./run.ts')).runCommand,
  },
  worker: {
    summary: 'carry out tasks from the queue: segments to data files',
    load: async () => (await import('./worker.ts')).workerCommand,
  },
  planner: {
    summary: 'find segments and hand out tasks in the queue',
    load: async () => (await import('./planner.ts')).plannerCommand,
  },
  committer: {
    summary: 'commit what workers made, as planners ask',
    load: async () => (await import('./committer.ts')).committerCommand,
  },
  validate: {
    summary: 'check a document, and say what it would do',
    load: async () => (await import('./validate.ts')).validateCommand,
  },
  doctor: {
    summary: 'check everything that a document names before it runs',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  plan: {
    summary: 'say what a run would do now: tables, columns, work and its cost',
    load: async () => (await import('./plan.ts')).planCommand,
  },
  schema: {
    summary: 'show the columns that values become, to paste into a document',
    load: async () => (await import('./schema.ts')).schemaCommand,
  },
  spec: {
    summary: "translate the configuration of KafScale's Go processor into a document",
    load: async () => (await import('./spec.ts')).specCommand,
  },
  status: {
    summary: 'show how far each table has come, and what is missing',
    load: async () => (await import('./status.ts')).statusCommand,
  },
  pause: {
    summary: 'let topics stand still until they are resumed',
    load: async () => (await import('./pause.ts')).pauseCommand,
  },
  resume: {
    summary: 'let paused topics go on',
    load: async () => (await import('./resume.ts')).resumeCommand,
  },
  backfill: {
    summary: 'bring history into a table, and say first what that takes',
    load: async () => (await import('./backfill.ts')).backfillCommand,
  },
  verify: {
    summary: 'prove that every record is a row exactly once, or say where not',
    load: async () => (await import('./verify.ts')).verifyCommand,
  },
  expire: {
    summary: 'expire old snapshots, and remove the files that they alone named',
    load: async () => (await import('./expire.ts')).expireCommand,
  },
  'rewrite-manifests': {
    summary: 'write manifests again, few and by partition',
    load: async () => (await import('./rewrite-manifests.ts')).rewriteManifestsCommand,
  },
  orphans: {
    summary: 'show the files that no snapshot names, and remove them',
    load: async () => (await import('./orphans.ts')).orphansCommand,
  },
  compact: {
    summary: 'join small files, cut large ones, and apply deletes',
    load: async () => (await import('./compact.ts')).compactCommand,
  },
  recover: {
    summary: 'go on with a table of which it is not known what it has',
    load: async () => (await import('./recover.ts')).recoverCommand,
  },
  connect: {
    summary: 'print what to paste into an engine to query the tables',
    load: async () => (await import('./connect.ts')).connectCommand,
  },
  inspect: {
    summary: 'look into a segment, an index, a topic or a whole prefix',
    load: async () => (await import('./inspect.ts')).inspectCommand,
  },
  demo: {
    summary: 'turn sample segments into tables on this machine, and show the result',
    load: async () => (await import('./demo-command.ts')).demoCommand,
  },
}

/** Commands whose names are taken and that do not work yet. */
export const laterCommands: readonly string[] = ['dead-letters', 'tail', 'find', 'partitions']
