import { createKeyRing, generateKeys, type KeyRing } from 'rollcall'
import { describeError } from './describe-error.js'
import { openSecretFile } from './open-secret-file.js'

/**
 * Reads the signing keys from their file, which the first start makes. A damaged file is never replaced: that would
 * end every session without a word.
 */
export async function openKeys(path: string): Promise<KeyRing> {
  const make = async (): Promise<string> => JSON.stringify(await generateKeys())
  const text = await openSecretFile({ path, label: 'key file', make })
  return createKeyRing(text).catch((error: unknown) => {
    throw new Error(
      `the key file ${path} is damaged (${describeError(error)}); put it right, or remove it and all tokens end`,
    )
  })
}
