// GuestServer: serves a cache by memcached's protocols where its items are only mapped: in a
// virtual machine, or in another process beside the owner's.
//
// The owner need not be there when it starts, and may come and go: what needs it is answered by
// SERVER_ERROR meanwhile, and the log has a line when it is lost and one when it is back.
//
// Not thread-safe: one thread starts, runs and ends it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kvcache/client/file_reader.h"
#include "kvcache/server/front_end.h"
#include "kvcache/server/guest_log.h"
#include "kvcache/server/server_options.h"

namespace tombolo::kvcache {

// Opens the window of `options`, while this process still has the right to. Says in the log when it
// is slow. Errors: those of FileReader::Open, and what to do about them.
absl::StatusOr<FileReader> OpenWindow(const GuestOptions& options);

class GuestServer {
 public:
  // Serves from here on. `options.guest` is there. Errors: those of FrontEnd::Serve and of
  // OwnerAddress::Parse. Throws std::system_error when there are no threads to be had.
  static absl::StatusOr<std::unique_ptr<GuestServer>> Start(const ServerOptions& options,
                                                            const FileReader& window);
  GuestServer(const GuestServer&) = delete;
  GuestServer& operator=(const GuestServer&) = delete;
  ~GuestServer() { front_end_->Stop(); }

  // Where clients find it, for the log.
  std::string Describe() const { return description_; }

  // Until a signal ends it.
  void Run() { front_end_->Run(); }

 private:
  explicit GuestServer(std::unique_ptr<FrontEnd> front_end) : front_end_(std::move(front_end)) {}

  absl::Status MakeWorkers(const ServerOptions& options, const FileReader& window);

  std::string description_;
  GuestLog log_;
  std::unique_ptr<FrontEnd> front_end_;  // Its workers tell the log.
};

}  // namespace tombolo::kvcache
