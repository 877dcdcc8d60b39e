import type { Database } from '../databases.js'
import type { Sample } from '../tokens.js'

/** A way to tell whether the session of a credential stands, with the credentials of a sample of sessions. */
export interface Contender {
  readonly name: string
  /** Whether it refuses a session from the moment on that it ended. */
  readonly isStrict: boolean
  /** The user of the credential at this place of the sample; `null`, or an error, when it is refused. */
  check(place: number): Promise<string | null>
  /** Waits for what the checks left to the background. */
  settle?(): Promise<void>
  /** Ends the session of this credential. */
  end(place: number): Promise<void>
  close(): Promise<void>
}

/** Cookies for the places of a sample, of sessions in the contender's own tables. */
export interface Issued {
  readonly cookies: readonly string[]
  end(place: number): Promise<void>
}

export type OpenContender = (database: Database, sample: Sample) => Promise<Contender>

/** Contenders that answer wrongly would be no comparison. The last places of the sample are used up. */
export async function checkContender(contender: Contender, userIds: readonly string[], victim: number): Promise<void> {
  const { name, isStrict } = contender
  for (const place of [0, 1, victim]) {
    const userId = await contender.check(place)
    if (userId !== userIds[place]) throw new Error(`${name} takes a credential of ${userIds[place]} for ${userId}'s`)
  }
  await contender.end(victim)
  const after = await contender.check(victim).catch(() => null)
  if ((after === null) !== isStrict) throw new Error(`${name} answers with ${after} for a session that ended`)
}
