import { memoryStore } from '../src/memory-store.js'
import { describeStore } from './conformance/index.js'

describeStore('memory', {
  open: async () => {
    const store = memoryStore()
    return { store, elsewhere: store, close: async () => {} }
  },
})
