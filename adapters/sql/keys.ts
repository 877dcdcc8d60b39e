import type { SessionKey } from '../../src/ports/store.js'
import type { Dialect, Run, Statement } from './dialect.js'

/** One statement for each size of a list of sessions; shorter lists are padded, so that few statements serve all. */
export type ForKeys = ReadonlyMap<number, Statement>

const sizes = [1, 8, 64]
/** The same for lists that are read, by a join that is another statement for each size. */
export const lookupSizes: readonly number[] = [4, 16, 32, 64, 128, 256]

/** @param sql makes the statement of the condition on the keys */
export function compileForKeys(dialect: Dialect, sql: (keys: string) => string): ForKeys {
  return new Map(
    sizes.map((size) => [
      size,
      dialect.compile(sql(Array<string>(size).fill('(user_id = ? and sid = ?)').join(' or '))),
    ]),
  )
}

/** Runs a write over the sessions, in the order of the primary key, so that two of them lock rows in the same order. */
export async function runForKeys(
  run: Run,
  statements: ForKeys,
  keys: readonly SessionKey[],
  values: { readonly before: readonly number[]; readonly after: readonly number[] },
): Promise<number> {
  const sorted = keys.toSorted(byKey)
  let changed = 0
  for (let start = 0; start < sorted.length; start += sizes.at(-1)!) {
    const part = sorted.slice(start, start + sizes.at(-1)!)
    const size = sizes.find((candidate) => candidate >= part.length)!
    const keyValues = padTo(size, part, part[0]!).flatMap(({ userId, sid }) => [userId, sid])
    changed += (await run(statements.get(size)!, [...values.before, ...keyValues, ...values.after])).changed
  }
  return changed
}

/** The list with this entry repeated at its end until it has this size, where it is shorter. */
export function padTo<Entry>(size: number, list: readonly Entry[], entry: Entry): readonly Entry[] {
  return size <= list.length ? list : [...list, ...Array<Entry>(size - list.length).fill(entry)]
}

function byKey(a: SessionKey, b: SessionKey): number {
  return Buffer.compare(Buffer.from(`${a.userId}\0${a.sid}`), Buffer.from(`${b.userId}\0${b.sid}`))
}
