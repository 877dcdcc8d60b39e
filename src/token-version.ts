import { askStore } from './ask-store.js'
import type { Context } from './context.js'
import { canonicalUserId, type UserId } from './ids.js'
import { checkOptions } from './options.js'

export interface TokenVersionOptions<Transaction> {
  readonly transaction?: Transaction | undefined
}

export async function tokenVersion<Claims, Transaction>(
  context: Context<Claims, Transaction>,
  userId: UserId,
  options: TokenVersionOptions<Transaction> | undefined,
): Promise<number> {
  checkOptions('tokenVersion', options, ['transaction'])
  const user = canonicalUserId(userId)
  const record = await askStore(context, options?.transaction, (store, scope) => store.readUser(user, scope))
  return record.tokenVersion
}
