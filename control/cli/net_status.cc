#include "control/cli/net_status.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "control/cli/table.h"
#include "control/net/members.h"
#include "control/net/subnet.h"
#include "transport/endpoint/membership_view.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;

struct Row {
  Member member;
  Subnet subnet;
  uint32_t pid = 0;

  auto Order() const { return std::tuple(subnet.base, member.address, member.id.index); }
};

std::vector<Row> MembersOf(const Region& region) {
  std::vector<Row> rows;
  for (const EndpointInfo& info : LiveEndpoints(region)) {
    Row row{.member = {}, .subnet = {}, .pid = info.pid};
    const std::optional<Member> member = MemberOf(info, row.subnet);
    if (!member) continue;
    row.member = *member;
    rows.push_back(row);
  }
  std::ranges::sort(rows, {}, &Row::Order);
  return rows;
}

}  // namespace

std::string NetTable(const Region& region) {
  std::vector<std::vector<std::string>> rows;
  for (const Row& row : MembersOf(region)) {
    rows.push_back({row.subnet.ToString(), AddressText(row.member.address),
                    absl::StrCat(row.member.slot), absl::StrCat(row.member.id.index),
                    absl::StrCat(row.pid)});
  }
  return FormatTable({"NETWORK", "ADDRESS", "SLOT", "ENDPOINT", "PID"}, rows,
                     MayDecorate(STDOUT_FILENO));
}

std::string NetJson(const Region& region) {
  Json json = {
      {"schema", kSchema}, {"region_uuid", UuidText(region.Uuid())}, {"members", Json::array()}};
  for (const Row& row : MembersOf(region)) {
    json["members"].push_back({{"network", row.subnet.ToString()},
                               {"address", AddressText(row.member.address)},
                               {"slot", row.member.slot},
                               {"index", row.member.id.index},
                               {"incarnation", row.member.id.incarnation},
                               {"pid", row.pid}});
  }
  return json.dump() + "\n";
}

}  // namespace tombolo::control
