// How `tombolo bench` tells what it measured. docs/cli.md has the schema of --json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/benchmark/measure.h"

namespace tombolo::control {

// One line per size.
std::string BenchTable(const std::vector<SizeFigures>& figures, bool decorate);

// Without the end of the line.
std::string BenchJson(uint32_t slot, const std::vector<SizeFigures>& figures);

// A drawing (SVG) of latency and bandwidth over the size, both axes logarithmic. `figures`: at
// least one.
std::string BenchPlot(const std::string& title, const std::vector<SizeFigures>& figures);

}  // namespace tombolo::control
