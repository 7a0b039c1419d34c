// docs/layout.md tells where the parts of the default region lie: as ComputeGeometry() does.
#include <fstream>
#include <map>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_text.h"
#include "transport/region/geometry.h"

namespace tombolo {
namespace {

// The rows `| offset | `part` | ...` of the chapter "Parts".
std::map<std::string, uint64_t> DocumentedParts() {
  std::map<std::string, uint64_t> parts;
  std::ifstream document("docs/layout.md");
  bool is_parts = false;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("## ")) is_parts = line == "## Parts";
    const size_t name = line.find("| `");
    if (!is_parts || !line.starts_with("| ") || name == std::string::npos) continue;
    const size_t end = line.find('`', name + 3);
    parts[line.substr(name + 3, end - name - 3)] = std::stoull(line.substr(2));
  }
  return parts;
}

TEST(LayoutDocumentTest, TellsWhereThePartsOfTheDefaultRegionLie) {
  const auto geometry = ComputeGeometry(RegionLimits{});
  ASSERT_TRUE(geometry.ok()) << Text(geometry);
  const std::map<std::string, uint64_t> expected = {
      {"header", 0},
      {"slot_records", geometry->slot_records.bytes},
      {"endpoint_records", geometry->endpoint_records.bytes},
      {"service_records", geometry->service_records.bytes},
      {"endpoint_lines", geometry->endpoint_lines.bytes},
      {"control_areas", geometry->control_areas.bytes},
      {"counters", geometry->counters.bytes},
      {"inboxes", geometry->inboxes.bytes},
      {"extent_map", geometry->extent_map.bytes},
      {"extents", geometry->extents.bytes},
  };
  EXPECT_EQ(DocumentedParts(), expected);
  EXPECT_EQ(geometry->extent_count, 65021u);
}

}  // namespace
}  // namespace tombolo
