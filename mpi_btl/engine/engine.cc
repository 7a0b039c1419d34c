#include "mpi_btl/engine/engine.h"

#include <cstdio>
#include <memory>
#include <string>

#include "transport/endpoint/broker_client.h"

struct tombolo_engine {
  std::unique_ptr<tombolo::BrokerClient> broker;
};

struct tombolo_peer {};

namespace {

constexpr uint32_t kAddressMagic = 0x4d424d54;  // "TMBM"
constexpr uint32_t kAddressVersion = 1;

void Explain(const absl::Status& status, tombolo_text why) {
  std::snprintf(why, TOMBOLO_TEXT_BYTES, "%s", std::string(status.message()).c_str());
}

}  // namespace

extern "C" {

tombolo_engine* tombolo_attach(const char* broker_path, const char* name, tombolo_text why) {
  auto broker = tombolo::BrokerClient::Connect(broker_path);
  if (!broker.ok()) {
    Explain(broker.status(), why);
    return nullptr;
  }
  (void)name;
  Explain(absl::UnimplementedError("no channel yet"), why);
  return nullptr;
}

void tombolo_detach(tombolo_engine* engine) { delete engine; }

tombolo_address tombolo_own_address(const tombolo_engine*) {
  return tombolo_address{kAddressMagic, kAddressVersion, {}, 0, 0};
}

size_t tombolo_max_message_bytes(const tombolo_engine*) { return 0; }
size_t tombolo_max_small_bytes(const tombolo_engine*) { return 0; }

tombolo_peer* tombolo_open_peer(tombolo_engine*, const void*, size_t, void*, tombolo_text) {
  return nullptr;
}
void tombolo_close_peer(tombolo_engine*, tombolo_peer*) {}
bool tombolo_peer_is_lost(const tombolo_peer*) { return true; }
void* tombolo_claim_message(tombolo_engine*, tombolo_peer*, size_t, tombolo_claim*) {
  return nullptr;
}
void tombolo_publish(tombolo_engine*, tombolo_peer*, tombolo_claim*, uint8_t, size_t) {}
void tombolo_abandon(tombolo_engine*, tombolo_peer*, tombolo_claim*) {}
int tombolo_poll(tombolo_engine*, const tombolo_handlers*) { return 0; }

}  // extern "C"
