import { directionOptions } from './directions.ts'
import { serveCommandOf } from './serve-command.ts'

/** `run`: the whole road in one process, until a signal or until nothing is left to do. */
export const runCommand = serveCommandOf(
  'run',
  {
    description:
      "Turns the segments of the documents' topics into Iceberg tables: plans, carries out tasks and commits, alone or beside other processes that share the document's queue.\n\nRuns until SIGINT or SIGTERM, then finishes and commits what is under way, or gives it up when the grace ends; a second signal ends it at once. Nothing is lost either way. The file is followed: a change of it is applied while the work goes on, or said to need a restart; SIGHUP has it looked at at once. Logs are JSON, one line each, in UTC.",
    examples: [
      ['run -f spec.yaml', 'Keep the tables up to date, until stopped:'],
      ['run -f spec.yaml --once', 'Bring the tables up to date, then end:'],
      [
        'run -f spec.yaml --source-moved s3://old-bucket/segments/',
        'Go on after the segments have moved to the place that the document names:',
      ],
    ],
  },
  [
    { flags: '--once', description: 'end when all that there was at the first look is in the tables; exit 1 if a partition had to stop' },
    ...directionOptions,
  ],
)
