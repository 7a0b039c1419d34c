#include "control/log/start_log.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace tombolo::control {
namespace {

// syslog's number of a level.
char Priority(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return '2';
    case spdlog::level::err:
      return '3';
    case spdlog::level::warn:
      return '4';
    case spdlog::level::info:
      return '6';
    default:
      return '7';
  }
}

class PriorityFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    line.push_back(Priority(message.level));
  }

  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }
};

// systemd names the journal's end by its numbers; who started us may have put something else in
// its place.
bool IsJournal(int fd) {
  const char* stream = getenv("JOURNAL_STREAM");
  struct stat file;
  return stream != nullptr && fstat(fd, &file) == 0 &&
         stream == absl::StrCat(file.st_dev, ":", file.st_ino);
}

}  // namespace

void StartLog(const std::string& program, const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt(program));
  spdlog::set_level(spdlog::level::from_str(level));
  if (!IsJournal(STDERR_FILENO)) return;
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<PriorityFlag>('*').set_pattern("<%*>%v");
  spdlog::set_formatter(std::move(formatter));
}

}  // namespace tombolo::control
