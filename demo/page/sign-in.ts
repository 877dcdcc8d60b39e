import { client } from './client.js'
import { byId, showText } from './elements.js'
import { explainError, explainResponse } from './trouble.js'

const form = byId('sign-in-form', HTMLFormElement)
const username = byId('username', HTMLInputElement)
const password = byId('password', HTMLInputElement)
const device = byId('device', HTMLInputElement)
const submit = byId('submit', HTMLButtonElement)
const error = byId('sign-in-error', HTMLElement)

export function openSignIn(): void {
  for (const button of form.querySelectorAll<HTMLButtonElement>('[data-username]')) {
    button.addEventListener('click', () => {
      username.value = button.dataset['username'] ?? ''
      password.value = button.dataset['password'] ?? ''
      showText(error, null)
      submit.focus()
    })
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (submit.ariaDisabled !== 'true') void signIn()
  })
}

async function signIn(): Promise<void> {
  submit.ariaDisabled = 'true'
  submit.textContent = 'Logging in …'
  showText(error, null)
  const problem = await sendLogin().catch(explainError)
  submit.ariaDisabled = null
  submit.textContent = 'Log in'
  if (problem !== null) {
    showText(error, problem)
    return password.select()
  }
  password.value = ''
  return undefined
}

/** Answers what went wrong, for people. The client tells of the session itself. */
async function sendLogin(): Promise<string | null> {
  const persistent = new FormData(form).has('persistent')
  const name = device.value.trim()
  const response = await client.logIn('/login', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      username: username.value,
      password: password.value,
      mode: 'cookie',
      persistent,
      ...(name !== '' && { device: { name } }),
    }),
  })
  return response.ok ? null : explainResponse(response)
}
