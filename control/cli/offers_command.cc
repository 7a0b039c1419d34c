#include "control/cli/offers_command.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "control/cli/own_endpoint.h"
#include "control/cli/table.h"
#include "control/offers/ask_offers.h"
#include "control/tunnel/agent_name.h"
#include "control/words/words.h"
#include "transport/base/units.h"
#include "transport/channel/channel.h"
#include "transport/endpoint/endpoint.h"
#include "transport/endpoint/endpoint_id.h"
#include "transport/endpoint/membership_view.h"
#include "transport/endpoint/service_view.h"
#include "transport/layout/service_record.h"
#include "transport/region/region.h"
#include "transport/region/uuid_text.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr char kOwnName[] = "tombolo-offers";
constexpr char kServiceOffer[] = "service";
constexpr char kProcessesOffer[] = "processes";

constexpr int kSchema = 1;

struct OffersFlags {
  double timeout_s = 1;
  bool json = false;
};

struct Offer {
  std::optional<uint16_t> slot;  // Nothing: the region's, whose writer is away.
  std::string kind;
  std::string name;
  uint32_t count = 1;
};

struct Offers {
  std::vector<Offer> all;
  std::vector<uint16_t> silent;  // Slots whose agent has not told all.
};

// What agents tell.
Offers FromAgents(Channel& channel, const std::vector<tombolo::EndpointInfo>& endpoints,
                  const OffersFlags& flags) {
  std::vector<EndpointId> agents;
  std::vector<uint16_t> slots;
  for (const tombolo::EndpointInfo& endpoint : endpoints) {
    if (endpoint.name != kAgentName) continue;
    agents.push_back(endpoint.id);
    slots.push_back(endpoint.slot);
  }
  Offers offers;
  const auto timeout_ns = static_cast<int64_t>(flags.timeout_s * static_cast<double>(kNsPerSecond));
  const std::vector<AgentOffers> told = AskOffers(channel, agents, timeout_ns);
  for (size_t i = 0; i < told.size(); ++i) {
    for (const std::string& text : told[i].offers) {
      const size_t end_of_kind = std::min(text.find(' '), text.size());
      offers.all.push_back(
          {.slot = slots[i],
           .kind = Printable(text.substr(0, end_of_kind)),
           .name = Printable(text.substr(std::min(end_of_kind + 1, text.size())))});
    }
    if (!told[i].complete) offers.silent.push_back(slots[i]);
  }
  return offers;
}

// Services, and processes that have attached under the same name in one slot.
void AddFromTables(const Region& region, EndpointId self,
                   const std::vector<tombolo::EndpointInfo>& endpoints, Offers& offers) {
  for (uint32_t index = 0; index < kServiceCount; ++index) {
    const std::optional<tombolo::ServiceInfo> service = ReadService(region, index);
    if (!service) continue;
    const auto writer = ReadEndpoint(region, service->writer.index);
    const bool is_written = writer && writer->id == service->writer;
    offers.all.push_back({.slot = is_written ? std::optional(writer->slot) : std::nullopt,
                          .kind = kServiceOffer,
                          .name = Printable(service->name)});
  }
  std::map<std::pair<uint16_t, std::string>, uint32_t> processes;
  for (const tombolo::EndpointInfo& endpoint : endpoints) {
    if (endpoint.name == kAgentName || endpoint.id == self) continue;
    ++processes[{endpoint.slot, Printable(endpoint.name)}];
  }
  for (const auto& [who, count] : processes) {
    offers.all.push_back(
        {.slot = who.first, .kind = kProcessesOffer, .name = who.second, .count = count});
  }
}

std::string Table(const Offers& offers) {
  std::vector<std::vector<std::string>> rows;
  for (const Offer& offer : offers.all) {
    rows.push_back({offer.slot ? absl::StrCat(*offer.slot) : "-", offer.kind,
                    offer.count == 1 ? offer.name : absl::StrCat(offer.name, " x", offer.count)});
  }
  return FormatTable({"SLOT", "KIND", "NAME"}, rows, MayDecorate(STDOUT_FILENO));
}

std::string AllJson(const Region& region, const Offers& offers) {
  Json json = {{"schema", kSchema},
               {"region_uuid", UuidText(region.Uuid())},
               {"offers", Json::array()},
               {"silent", offers.silent}};
  for (const Offer& offer : offers.all) {
    json["offers"].push_back({{"slot", offer.slot ? Json(*offer.slot) : Json()},
                              {"kind", offer.kind},
                              {"name", offer.name},
                              {"count", offer.count}});
  }
  return json.dump() + "\n";
}

absl::Status Run(const CliContext& context, const OffersFlags& flags) {
  const absl::StatusOr<std::unique_ptr<Endpoint>> endpoint = AttachAs(context, kOwnName);
  if (!endpoint.ok()) return endpoint.status();
  const absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Create(**endpoint);
  if (!channel.ok()) return channel.status();
  const Region& region = (*endpoint)->SharedRegion();
  const std::vector<tombolo::EndpointInfo> endpoints = LiveEndpoints(region);
  Offers offers = FromAgents(**channel, endpoints, flags);
  AddFromTables(region, (*endpoint)->Id(), endpoints, offers);
  std::stable_sort(offers.all.begin(), offers.all.end(),
                   [](const Offer& one, const Offer& other) { return one.slot < other.slot; });
  fputs((flags.json ? AllJson(region, offers) : Table(offers)).c_str(), stdout);
  fflush(stdout);
  for (const uint16_t slot : offers.silent) {
    fprintf(stderr,
            "warning: the agent of slot %u has not told all within %g s: it is busy, stopped, or "
            "of another version\n",
            slot, flags.timeout_s);
  }
  return absl::OkStatus();
}

}  // namespace

void AddOffersCommand(CLI::App& app, CliContext& context) {
  CLI::App* command =
      app.add_subcommand("offers", "List what the members have for each other. Asks every agent.");
  command->footer(
      "  tombolo offers\n"
      "\n"
      "  tunnel      of --allow: tombolo forward --listen ADDRESS --to SLOT:NAME\n"
      "  files       of --allow-copy: tombolo cp SLOT:NAME/FILE .\n"
      "  service     memory that outlives processes, such as a cache: tombolo services\n"
      "  processes   who has attached, such as the ranks of an MPI job: tombolo stat\n"
      "\n"
      "  tombolo offers --json | jq '.offers[] | select(.kind == \"tunnel\")'");
  const auto flags = std::make_shared<OffersFlags>();
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait for the agents (default 1)")
      ->option_text("SECONDS")
      ->check(CLI::Range(0.001, 3600.0));
  command->add_flag("--json", flags->json, "One JSON object (docs/cli.md)");
  command->callback(
      [&context, flags] { context.run = [&context, flags] { return Run(context, *flags); }; });
}

}  // namespace tombolo::control
