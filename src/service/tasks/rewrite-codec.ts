import { fileKey } from '../../formats/iceberg/file-key.ts'
import type { SortOrder } from '../../formats/iceberg/table-metadata.ts'
import type { LiveDelete, LiveFile, RewriteInput } from '../../pipeline/maintain/rewrite-flow.ts'
import type { RewriteOrder } from './rewrite-task.ts'
import { encodeDataFile, readDataFile } from '../../pipeline/wire/data-file.ts'
import type { Reader } from '../../pipeline/wire/reader.ts'

/** A rewrite in JSON. A delete file that applies to many inputs stands there once, and inputs name it by its place. */
export function encodeRewrite({ group, ...order }: RewriteOrder): object {
  const deletes = new Map(group.inputs.flatMap((input) => input.deletes.map((one) => [fileKey(one.file), one])))
  const places = new Map([...deletes.keys()].map((key, place) => [key, place]))
  return {
    ...order,
    specId: group.specId,
    sequenceNumber: String(group.sequenceNumber),
    deletes: [...deletes.values()].map((one) => [encodeDataFile(one.file), one.specId, String(one.sequenceNumber)]),
    inputs: group.inputs.map(({ live, deletes: own }) => [
      encodeDataFile(live.file),
      live.specId,
      String(live.sequenceNumber),
      digits(live.fileSequenceNumber),
      digits(live.snapshotId),
      own.map(({ file }) => places.get(fileKey(file))),
    ]),
  }
}

/** The rewrite that `encodeRewrite` wrote. Throws an Error that names the field that is not as expected. */
export function readRewrite(order: Reader): RewriteOrder {
  const deletes = order.field('deletes').list(readDelete)
  const inputs = order.field('inputs').list((input) => readInput(input, deletes))
  return {
    group: {
      specId: order.field('specId').number(),
      // All files of a group are of one partition.
      partition: inputs[0]?.live.file.partition ?? [],
      inputs,
      sequenceNumber: order.field('sequenceNumber').bigint(),
    },
    tableUuid: order.field('tableUuid').text(),
    targetFileSizeBytes: order.field('targetFileSizeBytes').number(),
    sortOrder: order.field('sortOrder').nullable((value) => value.raw() as SortOrder),
    exemptIds: order.field('exemptIds').list((id) => id.number()),
  }
}

function readDelete(one: Reader): LiveDelete {
  return { file: readDataFile(one.at(0)), specId: one.at(1).number(), sequenceNumber: one.at(2).bigint() }
}

function readInput(input: Reader, deletes: readonly LiveDelete[]): RewriteInput {
  const live: LiveFile = {
    file: readDataFile(input.at(0)),
    specId: input.at(1).number(),
    sequenceNumber: input.at(2).bigint(),
    fileSequenceNumber: input.at(3).nullable((value) => value.bigint()),
    snapshotId: input.at(4).nullable((value) => value.bigint()),
  }
  return { live, deletes: input.at(5).list((place) => deletes[place.index(deletes.length)]) }
}

function digits(value: bigint | null): string | null {
  return value === null ? null : String(value)
}
