import { context, metrics, propagation, trace, type Attributes } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from "@opentelemetry/sdk-metrics";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace";

export interface Sdk {
  /** Spans that have ended, in order. */
  spans(): ReadableSpan[];
  /** Everything measured so far, by the metric's name. */
  metrics(): Promise<ReadonlyMap<string, MetricData>>;
  /** The sum of a counter, or the count of a histogram, over what has at least these attributes. */
  total(name: string, attributes?: Attributes): Promise<number>;
  stop(): Promise<void>;
}

/** The real SDK, registered for this whole process, with exporters in memory. */
export function startSdk(): Sdk {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 1_000_000,
    exportTimeoutMillis: 1_000,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());

  const measured = async (): Promise<ReadonlyMap<string, MetricData>> => {
    await meterProvider.forceFlush();
    const latest = metricExporter.getMetrics().at(-1);
    const all = latest?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    return new Map(all.map((metric) => [metric.descriptor.name, metric]));
  };
  return {
    spans: () => exporter.getFinishedSpans(),
    metrics: measured,
    async total(name, attributes = {}) {
      const metric = (await measured()).get(name);
      let total = 0;
      for (const point of metric?.dataPoints ?? []) {
        if (!Object.entries(attributes).every(([key, value]) => point.attributes[key] === value)) continue;
        total += typeof point.value === "number" ? point.value : (point.value as { count: number }).count;
      }
      return total;
    },
    async stop() {
      trace.disable();
      metrics.disable();
      context.disable();
      propagation.disable();
      await tracerProvider.shutdown();
      await meterProvider.shutdown();
    },
  };
}
