import { describe, expect, test } from 'vitest'
import { decideRotation, type ShownToken } from '../src/rotation.js'

const at = 1_000_000
const policy = { grace: 30, clockTolerance: 5, redeliverTo: 'anyone' } as const
const rotation = { generation: 7, rotatedAt: at, usedAt: null, previousJti: null }

const current: ShownToken = { generation: 7, isCurrent: true, isParent: false, isFromElsewhere: false }
const parent: ShownToken = { generation: 6, isCurrent: false, isParent: true, isFromElsewhere: false }
const stray: ShownToken = { ...parent, isParent: false }

describe('a genuine refresh token', () => {
  const used = { usedAt: at }
  const cases: [string, Partial<ShownToken>, Partial<typeof rotation> | typeof used, number, string][] = [
    ['that is current is left alone in the last millisecond of grace', current, {}, 29, 'unchanged'],
    ['that is current is rotated at the end of grace', current, {}, 30, 'rotate'],
    ['that is current is rotated after grace, used or not', current, used, 31, 'rotate'],
    ['that is current is left alone by a node whose clock is behind', current, {}, -60_000, 'unchanged'],
    ['of the pair before is answered within grace, used or not', parent, used, 0, 'redeliver'],
    ['of the pair before is answered in the last millisecond of the clock tolerance', parent, used, 34, 'redeliver'],
    ['of the pair before is spent at the end of it when the pair was used', parent, used, 35, 'successor_used'],
    ['of the pair before is answered with another pair when this one was not', parent, {}, 35, 'redeliver late'],
    ['of the pair before is answered by a node whose clock is behind', parent, used, -60_000, 'redeliver'],
    [
      'replaced by a late re-delivery finds its own parent by descent, however many numbers lie between',
      { ...parent, generation: 3 },
      {},
      0,
      'redeliver',
    ],
    ['that is older is spent, within grace as after it', { ...stray, generation: 5 }, {}, 0, 'superseded'],
    ['with the number before that is no parent is spent', stray, {}, 0, 'superseded'],
    ['with the number of the current one that is not it is spent', { ...stray, generation: 7 }, {}, 0, 'forked'],
    ['with a number to come tells that the database is behind', { ...stray, generation: 8 }, {}, 0, 'behind'],
  ]
  test.each(cases)('%s', (_, shown, row, age, expected) => {
    const decision = decideRotation({ ...stray, ...shown }, { ...rotation, ...row }, policy, at + age)
    expect(decision.answer === 'reuse' ? decision.kind : decision.answer).toBe(expected)
  })

  test('is not answered again to another device where the settings forbid it, and spent for good stays spent', () => {
    const strict = { ...policy, redeliverTo: 'same device' } as const
    const shown = { ...parent, isFromElsewhere: true }
    for (const age of [0, 35])
      expect(decideRotation(shown, rotation, strict, at + age)).toEqual({ answer: 'reuse', kind: 'other_device' })
    expect(decideRotation(shown, { ...rotation, usedAt: at }, strict, at + 35)).toMatchObject({
      kind: 'successor_used',
    })
    expect(decideRotation({ ...current, isFromElsewhere: true }, rotation, strict, at + 35)).toEqual({
      answer: 'rotate',
    })
  })
})
