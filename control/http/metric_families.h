// MetricFamilies: a list of Prometheus' metric families that is filled sample by sample.
#pragma once

#include <string>
#include <vector>

#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"
#include "prometheus/metric_type.h"

namespace tombolo::control {

inline constexpr char kMetricsContentType[] = "text/plain; version=0.0.4; charset=utf-8";

using Labels = std::vector<prometheus::ClientMetric::Label>;

class MetricFamilies {
 public:
  // Begins a family; what Add() adds after it belongs to it. A counter's name ends in `_total`.
  void BeginCounter(const std::string& name, const std::string& help);
  void BeginGauge(const std::string& name, const std::string& help);

  // One sample of the family that was begun last.
  void Add(double value, const Labels& labels = {});

  // Families of a single sample without labels.
  void Counter(const std::string& name, const std::string& help, double value);
  void Gauge(const std::string& name, const std::string& help, double value);

  // In Prometheus' text format.
  std::string Text() const;

 private:
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace tombolo::control
