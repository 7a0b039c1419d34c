// The command line of tombolo-kv: memcached's letters, where they mean the same.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "kvcache/server/foreign_flags.h"
#include "kvcache/server/server_options.h"

namespace tombolo::kvcache {

class ServerFlags {
 public:
  // Declares all flags. It must outlive `app`.
  void Describe(CLI::App& app);

  // After parsing: what was chosen, defaults included. InvalidArgument says which flag is wrong.
  // `warnings`: a line for each flag of memcached that is ignored.
  absl::StatusOr<ServerOptions> Options(const CLI::App& app,
                                        std::vector<std::string>& warnings) const;

  const std::string& User() const { return user_; }
  const std::string& PidFilePath() const { return pid_file_; }
  bool LocksMemory() const { return locks_memory_; }

 private:
  void DescribeSockets(CLI::App& app);
  void DescribeMemory(CLI::App& app);
  void DescribeGuest(CLI::App& app);
  void DescribeProcess(CLI::App& app);
  absl::Status CheckListen(const CLI::App& app, ListenOptions& listen) const;
  absl::Status CheckGuest(const CLI::App& app, ServerOptions& options) const;
  absl::Status CheckMemory(ServerOptions& options) const;
  absl::Status CheckRegion(const CLI::App& app) const;
  absl::Status ReadCredentials(ServerOptions& options) const;

  ServerOptions options_;
  std::string unix_mode_ = "0700";
  uint64_t memory_mib_ = 64;
  uint64_t item_max_bytes_ = kMiB;
  int64_t idle_timeout_s_ = 0;
  bool is_guest_ = false;
  GuestOptions guest_;
  int64_t owner_timeout_ms_ = 1000;
  std::string extended_;
  std::string prefix_delimiter_;
  bool refuses_dump_ = false;
  bool refuses_flush_ = false;
  bool refuses_watch_ = false;
  std::string user_;
  std::string pid_file_;
  bool locks_memory_ = false;
  ForeignFlags foreign_;
};

}  // namespace tombolo::kvcache
