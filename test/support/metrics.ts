import { metrics, type Attributes, type Meter } from '@opentelemetry/api'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'

/** One series of an instrument: what it counts, or how many values a histogram was given. */
export interface Series {
  readonly name: string
  readonly unit: string
  readonly attributes: Attributes
  readonly value: number
}

/** The SDK, with what it would export kept here. */
export function collectMetrics(where?: 'globally'): {
  meter: Meter
  collect(): Promise<Series[]>
  close(): Promise<void>
} {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const provider = new MeterProvider({ readers: [reader] })
  if (where === 'globally') metrics.setGlobalMeterProvider(provider)
  return {
    meter: provider.getMeter('test'),
    async collect() {
      const { resourceMetrics } = await reader.collect()
      return resourceMetrics.scopeMetrics.flatMap((scope) =>
        scope.metrics.flatMap(({ descriptor: { name, unit }, ...metric }) =>
          metric.dataPointType === DataPointType.HISTOGRAM
            ? metric.dataPoints.map(({ attributes, value }) => ({ name, unit, attributes, value: value.count }))
            : metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM
              ? []
              : metric.dataPoints.map(({ attributes, value }) => ({ name, unit, attributes, value })),
        ),
      )
    },
    async close() {
      if (where === 'globally') metrics.disable()
      await provider.shutdown()
    },
  }
}
