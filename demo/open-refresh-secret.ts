import { randomBytes } from 'node:crypto'
import { openSecretFile } from './open-secret-file.js'

/** Reads the secret of the refresh tokens from its file, which the first start makes, as `openssl rand -base64 32` does. */
export async function openRefreshSecret(path: string): Promise<string> {
  const make = (): string => `${randomBytes(32).toString('base64')}\n`
  const text = (await openSecretFile({ path, label: 'refresh secret file', make })).trim()
  const bytes = Buffer.from(text, 'base64')
  // What is left of a cut file would pass for another secret.
  if (bytes.length >= 32 && bytes.toString('base64') === text) return text
  throw new Error(
    `the refresh secret file ${path} is damaged (it must hold 32 or more bytes as base64); put it right, or remove it and no session can be refreshed`,
  )
}
