import { announceDevices, askStore } from './ask-store.js'
import type { Context } from './context.js'
import { cleanDeviceName } from './device.js'
import { canonicalUserId, checkSid, isTokenId, type UserId } from './ids.js'
import { checkOptions } from './options.js'

export interface RenameOptions<Transaction> {
  readonly transaction?: Transaction | undefined
}

export async function rename<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  sid: string,
  name: string,
  options: RenameOptions<Transaction> | undefined,
): Promise<{ renamed: 0 | 1 }> {
  checkOptions('rename', options, ['transaction'])
  checkSid(sid)
  if (typeof name !== 'string') throw new TypeError('name must be a string')
  const user = canonicalUserId(userId)
  if (!isTokenId(sid)) return { renamed: 0 }
  const cleaned = cleanDeviceName(name)
  const now = context.clock.wall()
  const isRenamed = await askStore(context, options?.transaction, (store, scope) =>
    store.rename({ userId: user, sid }, cleaned, now, scope),
  )
  if (isRenamed) announceDevices(context, user, options?.transaction)
  return { renamed: isRenamed ? 1 : 0 }
}
