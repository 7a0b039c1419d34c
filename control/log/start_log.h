// StartLog: where the words of a daemon go, spdlog's default logger, which is stderr.
//
// For people, and files, a line has its time, the program and its level. systemd's journal knows
// time and program itself, and takes the level from a number in front (sd-daemon(3)), so that
// `journalctl -p err` finds errors.
//
// Thread safety: call it before there are threads.
#pragma once

#include <string>

namespace tombolo::control {

// `level`: trace, debug, info, warn, error or off.
void StartLog(const std::string& program, const std::string& level);

}  // namespace tombolo::control
