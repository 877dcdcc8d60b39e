export { findChromium } from './find-chromium.js'
export { engineNames, type EngineName } from './engine.js'
export { startEngine } from './start-engine.js'
export { startEngines } from './start-engines.js'
