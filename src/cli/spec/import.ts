import { DocumentError } from '../../model/failure.ts'
import { stringifyJson } from '../../formats/json/exact.ts'
import { type Command, jsonOption } from '../command.ts'
import { readDocumentText } from '../documents.ts'
import { printable } from '../printable.ts'
import { blockLines } from '../yaml-text.ts'

interface ImportOptions {
  readonly file: string
  readonly name?: string
  readonly json?: boolean
}

/** `spec import`: a document that goes on where the Go processor was. */
export const specImportCommand: Command<ImportOptions> = {
  description:
    "Translates the configuration file of KafScale's Go processor into a document, or one for each namespace of its tables, with compat: kafscale. What has no counterpart is said in comments; secrets are not repeated, and variables take their place. Writes nothing but its output.",
  options: [
    { flags: '-f, --file <config.yaml>', description: "the Go processor's configuration file; - reads standard input", required: true },
    { flags: '--name <name>', description: 'the name of the document (default: iceberg)' },
    jsonOption,
  ],
  examples: [['spec import -f config.yaml > spec.yaml', 'Translate a configuration:']],
  async run({ options }, terminal) {
    const [{ importGo }, { readYaml }, { loadDocuments }, { documentError }] = await Promise.all([
      import('../../spec/import-go.ts'),
      import('../../spec/yaml-source.ts'),
      import('../../spec/load.ts'),
      import('../../spec/problems.ts'),
    ])
    const fileName = options.file === '-' ? 'standard input' : options.file
    const { values, problems } = readYaml(await readDocumentText(options.file), fileName)
    if (problems.length > 0) throw documentError(problems)
    if (values.length !== 1) throw new DocumentError(`expected one configuration, found ${values.length} YAML documents`)
    const { documents, notes, secrets } = importGo(values[0].value, options.name ?? 'iceberg')
    const lines = documents.flatMap((document, i) => [...(i === 0 ? [] : ['---']), ...blockLines(document)])
    // What we would not take ourselves is told now.
    loadDocuments(lines.join('\n'), 'the translation', Object.fromEntries(secrets.map((variable) => [variable, 'set'])))
    if (options.json === true) {
      terminal.out(stringifyJson({ ok: true, documents, notes, variables: secrets }))
      return 0
    }
    for (const variable of secrets) terminal.out(terminal.style('dim', `# set ${variable}: secrets of the file are not repeated here`))
    for (const note of notes) terminal.out(terminal.style('dim', `# ${printable(note)}`))
    for (const line of lines) terminal.out(line)
    return 0
  },
}
