#include "control/http/metric_families.h"

#include "prometheus/text_serializer.h"

namespace tombolo::control {

using prometheus::MetricType;

void MetricFamilies::BeginCounter(const std::string& name, const std::string& help) {
  families_.push_back({name, help, MetricType::Counter, {}});
}

void MetricFamilies::BeginGauge(const std::string& name, const std::string& help) {
  families_.push_back({name, help, MetricType::Gauge, {}});
}

void MetricFamilies::Add(double value, const Labels& labels) {
  prometheus::MetricFamily& family = families_.back();
  prometheus::ClientMetric& sample = family.metric.emplace_back();
  sample.label = labels;
  if (family.type == MetricType::Counter) {
    sample.counter.value = value;
  } else {
    sample.gauge.value = value;
  }
}

void MetricFamilies::Counter(const std::string& name, const std::string& help, double value) {
  BeginCounter(name, help);
  Add(value);
}

void MetricFamilies::Gauge(const std::string& name, const std::string& help, double value) {
  BeginGauge(name, help);
  Add(value);
}

std::string MetricFamilies::Text() const {
  return prometheus::TextSerializer().Serialize(families_);
}

}  // namespace tombolo::control
