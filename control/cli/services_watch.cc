#include "control/cli/services_watch.h"

#include <stdio.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>

#include "absl/strings/str_cat.h"
#include "control/cli/json_text.h"
#include "control/client/control_client.h"
#include "control/registry/service_info.h"
#include "control/words/words.h"
#include "transport/endpoint/endpoint_id.h"

namespace tombolo::control {
namespace {

using Json = nlohmann::ordered_json;

int64_t NowUnixNs() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool IsWritten(const ServiceInfo& service) { return service.entry.writer != EndpointId{}; }

const char* StateWord(const ServiceInfo& service) {
  if (service.entry.is_going) return "going";
  return IsWritten(service) ? "written" : "waiting";
}

const char* EventWord(ServiceEvent::Kind kind) {
  switch (kind) {
    case ServiceEvent::Kind::kAppeared:
      return "appeared";
    case ServiceEvent::Kind::kChanged:
      return "changed";
    case ServiceEvent::Kind::kGone:
      return "gone";
  }
  return "unknown";
}

// As in "cache: written by owner (endpoint 3 of slot 2)".
std::string Sentence(const ServiceInfo& service) {
  const std::string name = Printable(service.entry.name);
  if (!IsWritten(service)) return absl::StrCat(name, ": ", StateWord(service));
  return absl::StrCat(name, ": written by ", Printable(service.writer_name), " (endpoint ",
                      service.entry.writer.index, " of slot ", service.writer_slot, ")");
}

std::string Sentence(const ServiceList& list) {
  std::string text = list.services.empty() ? "there are no services" : "";
  for (const ServiceInfo& service : list.services) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", Sentence(service));
  }
  return text;
}

std::string Sentence(const ServiceEvent& event) {
  if (event.kind == ServiceEvent::Kind::kGone) {
    return absl::StrCat(Printable(event.service.entry.name), ": gone, its memory is free");
  }
  return Sentence(event.service);
}

template <typename Told>
std::string TextLine(const Told& told) {
  return absl::StrCat(UtcTime(NowUnixNs()), "  ", told.revision, "  ", Sentence(told));
}

Json ServiceJson(const ServiceInfo& service) {
  const ServiceEntry& entry = service.entry;
  Json writer = nullptr;
  if (IsWritten(service)) {
    writer = {{"slot", service.writer_slot},
              {"index", entry.writer.index},
              {"incarnation", entry.writer.incarnation},
              {"name", Printable(service.writer_name)}};
  }
  return {{"name", Printable(entry.name)},    {"index", entry.index},
          {"incarnation", entry.incarnation}, {"state", StateWord(service)},
          {"maker_slot", entry.maker_slot},   {"writer", writer}};
}

std::string JsonLine(const ServiceList& list) {
  Json services = Json::array();
  for (const ServiceInfo& service : list.services) services.push_back(ServiceJson(service));
  return Json{{"schema", kJsonSchema},
              {"revision", list.revision},
              {"event", "snapshot"},
              {"region_uuid", list.region_uuid},
              {"services", services}}
      .dump();
}

std::string JsonLine(const ServiceEvent& event) {
  return Json{{"schema", kJsonSchema},
              {"revision", event.revision},
              {"event", EventWord(event.kind)},
              {"service", ServiceJson(event.service)}}
      .dump();
}

}  // namespace

absl::Status WatchServices(const CliContext& context, const ServicesWatch& watch) {
  ControlClient client = context.Client();
  uint64_t told = 0;
  const auto tell = [&](const ControlClient::ServiceUpdate& update) {
    puts(std::visit([&](const auto& one) { return watch.json ? JsonLine(one) : TextLine(one); },
                    update)
             .c_str());
    fflush(stdout);
    return ++told != watch.count;
  };
  return client.WatchServices(watch.resume_after_revision, "", tell);
}

}  // namespace tombolo::control
