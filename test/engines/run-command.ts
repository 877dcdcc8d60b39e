import { execFile } from 'node:child_process'

/** Runs a command to its end; resolves to its output, rejects with the end of it. */
export function runCommand(command: string, args: readonly string[], timeout = 0): Promise<string> {
  const options = { timeout, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, LC_ALL: 'C' } }
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      const output = stdout + stderr
      if (error) reject(new Error(`${command} failed: ${lastLines(output) || error.message}`, { cause: error }))
      else resolve(output)
    })
  })
}

export function lastLines(text: string): string {
  return text.trim().split('\n').slice(-12).join('\n')
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
