import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf } from '../conformance/harness.js'
import { startSecondProcess, type SecondProcess } from '../support/second-process.js'
import { describeSql, secret } from '../support/sql-stage.js'

const rounds = 1_000
const atOnce = 10

describeSql('a login checked before, inserted after', (stage, engine) => {
  let there: SecondProcess
  beforeAll(async () => {
    there = await startSecondProcess(stage().database, secret)
  })
  afterAll(() => there.close())

  test.each(['revokeAll', 'revokeOthers'] as const)(
    `does not survive a racing %s of another process, in ${rounds} races (better-auth#11073)`,
    async (verb) => {
      const { sessions } = stage()
      const counts = { refused: 0, ended: 0, survivors: 0 }

      async function race(userId: string): Promise<void> {
        const kept = verb === 'revokeOthers' ? (await sessions.create({ userId })).session : undefined
        const expectedTokenVersion = await sessions.tokenVersion(userId)
        const change = there.call(verb, userId, ...(kept ? [kept.sid] : []))
        const login = sessions.create({ userId, expectedTokenVersion })
        const refusal = await codeOf(login)
        await change
        if (refusal === 'token_version_moved') counts.refused += 1
        else if ((await codeOf(sessions.verify((await login).accessToken))) === 'session_ended') counts.ended += 1
        else counts.survivors += 1
        const left = await sessions.list(userId)
        expect(left.map(({ sid }) => sid)).toEqual(kept ? [kept.sid] : [])
      }

      for (let round = 0; round < rounds; round += atOnce) {
        await Promise.all(Array.from({ length: atOnce }, (_, index) => race(`${verb}-${round + index}`)))
      }
      const { refused, ended, survivors } = counts
      console.log(
        `${engine}: login racing ${verb}: ${rounds} races, ${refused} refused, ${ended} ended, ${survivors} survivors`,
      )
      expect(survivors).toBe(0)
      expect(refused + ended).toBe(rounds)
      // A run in which one side always came first would have tested nothing.
      expect(Math.min(refused, ended)).toBeGreaterThan(0)
    },
    240_000,
  )
})
