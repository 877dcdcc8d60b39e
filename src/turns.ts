/** Lets promises that are settled already be heard of, some of them through promises of their own; takes no time. */
export async function takeTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}
